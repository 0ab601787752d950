import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// What a run leaves behind when it has all its results, and when it leaves nothing.
@Suite struct TraceTests {
    private let project: Project
    private let ledger = MemoryLedger()
    private let trace: TraceFile

    init() throws {
        project = try Project(environment: ["MODE": "one"])
        trace = TraceFile(["run.yaml"], in: project.state)
        try project.space.write("run.yaml", "")
    }

    private static let pair = [TaskSpec("a", "x"), TaskSpec("b", "y", needs: ["a"])]

    private func run(
        _ tasks: [TaskSpec] = TraceTests.pair, _ executor: ScriptedExecutor = ScriptedExecutor { _ in .exits(0) },
        only: Set<Int>? = nil
    ) async throws {
        _ = try await project.run(tasks, with: executor, ledger: ledger, only: only, trace: trace)
    }

    private func holds(_ environment: [String: String] = ["MODE": "one"]) -> Bool {
        let surroundings = Trace.Surroundings(
            environment: environment, code: project.code, ledger: ledger, store: project.store,
            project: project.state.project)
        return trace.read()?.holds(in: surroundings, notes: true) ?? false
    }

    @Test func aCompleteRunLeavesOne() async throws {
        try await run()
        let found = try #require(trace.read())
        #expect(found.run == "run")
        #expect(found.names(limit: 5) == ["a", "b"])
        #expect(found.names(limit: 1) == ["a"])
        #expect(holds())
    }

    @Test func anIncompleteRunLeavesNone() async throws {
        try await run(only: [0])
        #expect(trace.read() == nil)
        try await run(
            [TaskSpec("a", "x"), TaskSpec("c", "z")],
            ScriptedExecutor { $0.workspace.task == "c" ? .exits(1) : .exits(0) })
        #expect(trace.read() == nil)
    }

    @Test func aFailureEndsIt() async throws {
        try await run()
        _ = try await project.run(
            [TaskSpec("a", "x")], with: ScriptedExecutor { _ in .exits(1) }, ledger: ledger, force: true)
        #expect(!holds())
    }

    @Test func codeThatChangesWhileTasksRun() async throws {
        let (code, folder) = (project.code, project.space.folder)
        code.set("tree-1", at: folder)
        try await run(
            [TaskSpec("a", "x")],
            ScriptedExecutor { _ in
                code.set("tree-2", at: folder)
                return .exits(0)
            })
        code.set("tree-1", at: folder)
        #expect(!holds())
        #expect(trace.read() == nil)
    }

    @Test func codeThatChangesLater() async throws {
        project.code.set("tree-1", at: project.space.folder)
        try await run()
        #expect(holds())
        project.code.leave(["new"], at: project.space.folder)
        #expect(!holds())
        project.code.leave([], at: project.space.folder)
        project.code.set("tree-2", at: project.space.folder)
        #expect(!holds())
    }

    @Test func anotherPlanInTheSameFolder() async throws {
        try await run()
        _ = try await project.run(
            [TaskSpec("z", "z")], with: ScriptedExecutor { _ in .exits(0) }, ledger: ledger, name: "other")
        #expect(!holds())
    }

    @Test func onlySoManyAreKept() async throws {
        for number in 0..<40 {
            _ = try await project.run(
                [TaskSpec("a", "x")], with: ScriptedExecutor { _ in .exits(0) }, ledger: ledger,
                trace: TraceFile(["\(number)"], in: project.state))
        }
        #expect(try project.space.list(".saturn/traces").count == 32)
        #expect(TraceFile(["39"], in: project.state).read() != nil)
    }

    @Test func everyFlippedBitAndEveryPartIsFound() async throws {
        try await run()
        let path = ".saturn/traces/" + (try project.space.list(".saturn/traces"))[0]
        let whole = try project.space.readBytes(path)
        for position in whole.indices {
            var bytes = whole
            bytes[position] ^= 1 << (position % 8)
            try project.space.write(path, bytes)
            #expect(trace.read() == nil)
            try project.space.write(path, Array(whole.prefix(position)))
            #expect(trace.read() == nil)
        }
        try project.space.write(path, whole)
        #expect(holds())
    }
}
