import Foundation

/// The document of `saturn plan --json`, with the names of DESIGN.md section 5.
struct PlanJSON: Decodable {
    struct Task: Decodable {
        var name: String
        var action: String
        var key: String?
        var reason: String
        var changes: [Change]
    }

    struct Change: Decodable, Equatable {
        var field: String
        var old: String?
        var new: String?
    }

    var version: Int
    var run: String
    var counts: [String: Int]
    var tasks: [Task]

    init(_ transcript: Transcript) throws {
        self = try JSONDecoder().decode(PlanJSON.self, from: Data(transcript.rawOut))
    }

    /// The names with an action, in the order of the file.
    func names(_ action: String) -> [String] { tasks.filter { $0.action == action }.map(\.name) }

    func reasons(_ action: String) -> Set<String> { Set(tasks.filter { $0.action == action }.map(\.reason)) }
}

/// The document of `saturn run --json` and `saturn status --json`.
struct RunJSON: Decodable {
    struct Task: Decodable {
        var name: String
        var state: String
        var cause: String?
        var exitCode: Int?
        var attempt: String?
        var folder: String

        enum CodingKeys: String, CodingKey {
            case name, state, cause, exitCode = "exit_code", attempt, folder
        }
    }

    var version: Int
    var run: String
    var state: String
    var exitCode: Int?
    var results: String
    var counts: [String: Int]
    var tasks: [Task]

    enum CodingKeys: String, CodingKey {
        case version, run, state, exitCode = "exit_code", results, counts, tasks
    }

    init(_ transcript: Transcript) throws {
        self = try JSONDecoder().decode(RunJSON.self, from: Data(transcript.rawOut))
    }

    func states() -> [String] { tasks.map { "\($0.name) \($0.state)" } }
}
