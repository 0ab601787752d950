import FoundationEssentials
import SaturnCore

/// What saturn asks of a bridge: docs/bridge.md.
enum BridgeRequest: Encodable {
    case hello(BridgeHello)
    case attach
    case submit([BridgeTask])
    case release([String])
    case cancel([String], RemoteCancel)
    case terminate(cluster: Bool)
    case detach
    case ping(Int)

    private enum Keys: String, CodingKey {
        case request, tasks, attempts, force, cluster, number
    }

    func encode(to encoder: any Encoder) throws {
        if case .hello(let hello) = self { return try hello.encode(to: encoder) }
        var fields = encoder.container(keyedBy: Keys.self)
        switch self {
        case .hello: break
        case .attach: try fields.encode("attach", forKey: .request)
        case .submit(let tasks):
            try fields.encode("submit", forKey: .request)
            try fields.encode(tasks, forKey: .tasks)
        case .release(let attempts):
            try fields.encode("release", forKey: .request)
            try fields.encode(attempts, forKey: .attempts)
        case .cancel(let attempts, let how):
            try fields.encode(how == .waiting ? "withdraw" : "terminate", forKey: .request)
            try fields.encode(attempts, forKey: .attempts)
            if how != .waiting { try fields.encode(how == .force, forKey: .force) }
        case .terminate(let cluster):
            try fields.encode("terminate", forKey: .request)
            try fields.encode(cluster, forKey: .cluster)
        case .detach: try fields.encode("detach", forKey: .request)
        case .ping(let number):
            try fields.encode("ping", forKey: .request)
            try fields.encode(number, forKey: .number)
        }
    }

    /// With its newline.
    func line() throws -> [UInt8] { try Array(JSONEncoder().encode(self)) + [UInt8(ascii: "\n")] }
}

struct BridgeHello: Encodable {
    struct Run: Encodable {
        var id: String
        var name: String
        /// Of runs with the same one and other ids nobody knows any more.
        var home: String
    }

    var request = "hello"
    var versions = [1]
    var run: Run
    /// Where spool files go.
    var folder: String
    var settings: JSONValue
}

/// One attempt, as a bridge is told of it.
struct BridgeTask: Encodable {
    var attempt: String
    var argv: [String]
    var env: [String: String]
    var cwd: String
    /// Values that are not to appear in the log.
    var secrets: [String]?
    /// Where the disk is shared: the folder to be filled.
    var workspace: String?
    /// Paths of this machine, for which the engine has others.
    var results: String?
    var checkpoint: String?
    var needs: [[String]]?
    var needs_file: String?
    /// By path of this machine: what is to be there, by name.
    var blobs: [String: String]?
    /// By name: what it is made from.
    var upload: [String: Upload]?
    /// Name and destination.
    var syncs: [[String]]?
    var base: String?
    var resources: [String: Double]?
    var log_size: Int64?
    /// An attempt that is to be ended first.
    var after: String?

    struct Upload: Encodable {
        var folder: String
        /// Names of what is left out, wherever it is.
        var without: [String] = []
        /// The same by path below the folder.
        var without_paths: [String] = []
    }
}

/// What a bridge says.
struct BridgeEvent: Decodable {
    var event: String
    var attempt: String?
    var attempts: JSONValue?
    /// Seconds since 1970.
    var time: Double?
    var spool: Int?
    var from: Int64?
    var length: Int?
    var offset: Int64?
    var code: JSONValue?
    var signal: Int32?
    var cancelled: Bool?
    /// To end, while it ran.
    var asked: Bool?
    /// How long the attempt ran.
    var seconds: Double?
    var problem: String?
    var reason: String?
    var message: String?
    var hint: String?
    var number: Int?
    /// Attempts that could not be ended, and where they are; of an attempt, files that could not be sent, and one of them.
    var left: Int?
    var places: [String]?
    var left_name: String?
    /// The task has left no folder of results.
    var unkept: Bool?
    var version: Int?
}

/// JSON of any shape.
enum JSONValue: Codable, Hashable, Sendable {
    case text(String)
    case number(Double)
    case flag(Bool)
    case list([JSONValue])
    case map([String: JSONValue])
    case null

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .map(try value.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number):
            if let whole = Int64(exactly: number) { try container.encode(whole) } else { try container.encode(number) }
        case .flag(let flag): try container.encode(flag)
        case .list(let list): try container.encode(list)
        case .map(let map): try container.encode(map)
        case .null: try container.encodeNil()
        }
    }

    /// Plain scalars as YAML 1.2's core schema has them: `2` is a number, and so is `0.5`, `true` is a flag.
    init(_ setting: Setting) {
        switch setting.value {
        case .list(let items): self = .list(items.map { JSONValue($0) })
        case .map(let items): self = .map(items.mapValues { JSONValue($0) })
        case .scalar("true"): self = .flag(true)
        case .scalar("false"): self = .flag(false)
        case .scalar("null"), .scalar("~"), .scalar(""): self = .null
        case .scalar(let text): self = Double(text).map { .number($0) } ?? .text(text)
        }
    }
}
