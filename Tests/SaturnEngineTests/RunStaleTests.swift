import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// Code or inputs change while tasks run: their results are kept, and not reused.
@Suite(.timeLimit(.minutes(10))) struct RunStaleTests {
    private let project: Project
    private let ledger = MemoryLedger()
    private let observer = RecordingObserver()

    init() throws {
        project = try Project()
        project.code.set("tree-1", at: project.space.folder)
    }

    private func reasons(_ tasks: [TaskSpec]) throws -> [Reason?] {
        try project.plan(tasks, ledger: ledger).map { $0?.reason }
    }

    @Test func codeThatChangedAtTheEnd() async throws {
        let (code, folder) = (project.code, project.space.folder)
        let executor = ScriptedExecutor { _ in
            code.set("tree-2", at: folder)
            return .exits(0)
        }
        var free = TaskSpec("free", "y")
        free.code = .none
        let tasks = [TaskSpec("a", "x"), free]
        let summary = try await project.run(tasks, with: executor, ledger: ledger, observer: observer)
        #expect(summary.states == [.succeeded, .succeeded])
        #expect(summary.notReusable == [0])
        #expect(
            observer.warnings == [
                "the code in \(folder) changed while tasks ran: their results are kept, and not reused by the next run"
            ])
        #expect(project.store.eventTypes(of: "a") == ["submitted", "started", "complete", "changed"])
        #expect(project.store.eventTypes(of: "free") == ["submitted", "started", "complete"])
        // Also when the code is again what it was.
        code.set("tree-1", at: folder)
        #expect(try reasons(tasks) == [.changedWhileRunning, .inPlace])
        // And without the ledger.
        #expect(
            try project.plan(tasks, ledger: MemoryLedger()).map { $0?.reason } == [.changedWhileRunning, .inPlace])
    }

    @Test func onceNoticedWhatEndsLaterIsMarkedToo() async throws {
        let executor = ScriptedExecutor(slots: 1, clock: project.clock) { task, _ in task == "a" ? .exits(0) : .held }
        let tasks = [TaskSpec("a", "x"), TaskSpec("b", "y")]
        async let running = project.run(tasks, with: executor, ledger: ledger, observer: observer)
        try await observer.settled(0)
        project.code.set("tree-2", at: project.space.folder)
        project.clock.advance(by: 1)
        try await observer.events.first { if case .warning = $0 { true } else { false } }
        try await executor.release("b")
        let summary = try await running
        #expect(summary.notReusable.sorted() == [0, 1])
        #expect(observer.warnings.count == 1)
        #expect(project.store.eventTypes(of: "b")?.last == "changed")
        project.code.set("tree-1", at: project.space.folder)
        #expect(try reasons(tasks) == [.changedWhileRunning, .changedWhileRunning])
    }

    @Test func anInputThatChanged() async throws {
        try project.space.write("data.csv", "1")
        try project.space.write("other.csv", "1")
        var task = TaskSpec("a", "x")
        var other = TaskSpec("b", "y")
        task.inputs = [Marked("data.csv", at: task.mark)]
        other.inputs = [Marked("other.csv", at: other.mark)]
        let space = project.space
        let executor = ScriptedExecutor { launch in
            if launch.workspace.task == "a" { try? space.write("data.csv", "22") }
            return .exits(0)
        }
        let summary = try await project.run([task, other], with: executor, ledger: ledger, observer: observer)
        #expect(summary.notReusable == [0])
        #expect(observer.warnings.map { $0.hasPrefix(space.path("data.csv") + " changed") } == [true])
        try space.write("data.csv", "1")
        #expect(try reasons([task, other]) == [.changedWhileRunning, .inPlace])
    }

    @Test func anInputThatIsGone() async throws {
        try project.space.write("data.csv", "1")
        var task = TaskSpec("a")
        task.inputs = [Marked("data.csv", at: task.mark)]
        let space = project.space
        let executor = ScriptedExecutor { _ in
            space.remove("data.csv")
            return .exits(0)
        }
        #expect(try await project.run([task], with: executor, ledger: ledger).notReusable == [0])
    }

    @Test func nothingChangedNothingIsSaid() async throws {
        let executor = ScriptedExecutor()
        let summary = try await project.run([TaskSpec("a")], with: executor, ledger: ledger, observer: observer)
        #expect(summary.notReusable.isEmpty)
        #expect(observer.warnings.isEmpty)
    }

    @Test func aFailureIsRunAgainAnyway() async throws {
        let (code, folder) = (project.code, project.space.folder)
        let executor = ScriptedExecutor { _ in
            code.set("tree-2", at: folder)
            return .exits(1)
        }
        let summary = try await project.run([TaskSpec("a")], with: executor, ledger: ledger, observer: observer)
        #expect(summary.notReusable.isEmpty)
        #expect(observer.warnings.isEmpty)
    }
}
