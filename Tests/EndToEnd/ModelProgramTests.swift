import Glibc
import SaturnCore
import SaturnTesting
import Testing

/// The histories of `ModelHistories`, a few of them, with the real binary and a real shell.
@Suite(.ownThread) struct ModelProgramTests {
    @Test func histories() async throws {
        let wanted = getenv("SATURN_MODEL_HISTORIES").flatMap { Int(String(cString: $0)) }
        let seed = wanted != nil || getenv("SATURN_TEST_SEED") != nil ? SeededGenerator.chosenSeed : 1
        for number in 0..<(wanted.map { max(1, $0 / 100) } ?? 12) {
            let seed = seed &+ UInt64(number)
            let history = try ModelHistory(seed: seed, jobs: 6)
            let problem = try await history.play(steps: 5, with: Program(history))
            guard let problem else { continue }
            Issue.record("SATURN_TEST_SEED=\(seed) SATURN_MODEL_HISTORIES=1: \(problem)")
            return
        }
    }
}

private struct Program: ModelPlayer {
    private let session: Session
    private let folder: String
    private let ran: String

    init(_ history: ModelHistory) throws {
        session = try Session()
        folder = history.folder
        ran = history.space.path("ran")
        session.environment["RAN"] = ran
    }

    func plan() async throws -> [String: ModelDecision] {
        let plan = try PlanJSON(session.saturn("plan", "--json", in: folder))
        return Dictionary(
            uniqueKeysWithValues: try plan.tasks.map { task in
                (task.name, ModelDecision(action: try #require(Decision.Action(rawValue: task.action))))
            })
    }

    func run() async throws -> [ModelExecution] {
        try session.write(ran, "")
        let run = try session.saturn("run", in: folder)
        // Some jobs fail, and others are blocked by them.
        guard run.status == 0 || run.status == 1 else { throw SessionProblem("\(run.status): \(run.err)") }
        return try session.read(ran).split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            return ModelExecution(
                attempt: try #require(AttemptID(String(words[0]))), task: String(try #require(words.last)))
        }
    }
}
