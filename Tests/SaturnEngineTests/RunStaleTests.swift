import Glibc
import SaturnCore
import SaturnEngine
import SaturnTesting
import Synchronization
import Testing

/// Code or inputs change while tasks run: their results are kept, and not reused.
@Suite(.timeLimit(.minutes(25))) struct RunStaleTests {
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

    // MARK: Edits that are undone

    private func warning(_ what: String) -> String {
        "\(what) was written to while tasks ran, and is again what it was: their results are kept, and not reused by the next run"
    }

    private func reading(_ name: String, _ input: String) -> TaskSpec {
        var task = TaskSpec(name, "x \(name)")
        task.code = .none
        task.inputs = [Marked(input, at: task.mark)]
        return task
    }

    /// As an editor that saves twice; never within one tick of the kernel's clock, whose time a file has.
    private static func editAndPutBack(_ name: String, in space: TestSpace) throws {
        let text = try space.read(name)
        usleep(60_000)
        try space.write(name, "another text")
        try space.write(name, text)
    }

    @Test func anInputThatIsAgainWhatItWas() async throws {
        for name in ["data.csv", "folder/data.csv", "other.csv"] { try project.space.write(name, "1") }
        let tasks = [reading("a", "data.csv"), reading("b", "other.csv"), reading("c", "folder")]
        let space = project.space
        let executor = ScriptedExecutor { launch in
            if launch.workspace.task == "a" { try? Self.editAndPutBack("data.csv", in: space) }
            if launch.workspace.task == "c" { try? Self.editAndPutBack("folder/data.csv", in: space) }
            return .exits(0)
        }
        let summary = try await project.run(tasks, with: executor, ledger: ledger, observer: observer)
        #expect(summary.notReusable == [0, 2])
        #expect(
            observer.warnings == [warning(space.path("data.csv")), warning(space.path("folder/data.csv"))])
        #expect(project.store.eventTypes(of: "a")?.last == "changed")
        #expect(try reasons(tasks) == [.changedWhileRunning, .inPlace, .changedWhileRunning])
        // Once it rests, all is well.
        let again = try await project.run(tasks, with: ScriptedExecutor(), ledger: ledger, observer: observer)
        #expect(again.notReusable.isEmpty)
        #expect(try reasons(tasks) == [.inPlace, .inPlace, .inPlace])
    }

    @Test func codeThatIsAgainWhatItWas() async throws {
        let (code, folder) = (project.code, project.space.folder)
        let executor = ScriptedExecutor { launch in
            if launch.workspace.task == "b" { code.touch("lib.py", at: folder, Timestamp(microseconds: 5)) }
            return .exits(0)
        }
        var free = TaskSpec("free", "y")
        free.code = .none
        var tasks = [TaskSpec("a", "x"), TaskSpec("b", "x"), free]
        tasks[1].needs = [Marked("a", at: tasks[1].mark)]
        let summary = try await project.run(tasks, with: executor, ledger: ledger, observer: observer)
        // Nobody had looked after the first.
        #expect(summary.notReusable == [0, 1])
        #expect(observer.warnings == [warning("lib.py")])
    }

    private func beat(_ number: Int) async throws {
        let count = Atomic(0)
        try await observer.events.first {
            if case .beat = $0 { count.add(1, ordering: .relaxed).newValue == number } else { false }
        }
    }

    /// What was looked at in between is out of doubt, and what is started later sees nothing of it.
    @Test func onlyWhatRanAtThatTimeIsInDoubt() async throws {
        let (code, folder) = (project.code, project.space.folder)
        let executor = ScriptedExecutor(slots: 1, clock: project.clock) { _, _ in .held }
        let tasks = ["a", "b", "c"].map { TaskSpec($0, "x \($0)") }
        async let running = project.run(tasks, with: executor, ledger: ledger, observer: observer)
        try await executor.release("a")
        try await observer.settled(0)
        project.clock.advance(by: 1)
        try await beat(1)
        // When the next is told of, this one is over.
        project.clock.advance(by: 0)
        try await beat(2)
        code.touch("lib.py", at: folder, Timestamp(microseconds: 5))
        project.clock.advance(by: 1)
        try await observer.events.first { if case .warning = $0 { true } else { false } }
        try await executor.release("b")
        try await executor.release("c")
        let summary = try await running
        #expect(summary.notReusable == [1])
        #expect(try reasons(tasks) == [.inPlace, .changedWhileRunning, .inPlace])
    }

    /// A needed task that writes the input of another does so before that one starts.
    @Test func whatIsWrittenBeforeATaskStartsIsNothingToIt() async throws {
        try project.space.write("data.csv", "1")
        var reader = reading("reader", "data.csv")
        let writer = TaskSpec("writer")
        reader.needs = [Marked("writer", at: reader.mark)]
        let space = project.space
        let executor = ScriptedExecutor { launch in
            if launch.workspace.task == "writer" { try? Self.editAndPutBack("data.csv", in: space) }
            return .exits(0)
        }
        let summary = try await project.run([writer, reader], with: executor, ledger: ledger, observer: observer)
        #expect(summary.notReusable.isEmpty)
        #expect(observer.warnings.isEmpty)
    }

    /// What the first attempt has left in its checkpoints may be of what it saw.
    @Test func aRetryLiftsNoDoubt() async throws {
        try project.space.write("data.csv", "1")
        var task = reading("a", "data.csv")
        task.retries = 1
        let space = project.space
        let executor = ScriptedExecutor(clock: project.clock) { _, number in
            guard number == 1 else { return .held }
            try? Self.editAndPutBack("data.csv", in: space)
            return .exits(1)
        }
        async let running = project.run([task], with: executor, ledger: ledger, observer: observer)
        try await executor.started.first { $0.task == "a" && $0.attempt == 2 }
        project.clock.advance(by: 1)
        try await observer.events.first { if case .warning = $0 { true } else { false } }
        try await executor.release("a", attempt: 2)
        #expect(try await running.notReusable == [0])
    }

    @Test func aProgramThatIsMadeExecutable() async throws {
        try project.space.write("sim", "1")
        let space = project.space
        let executor = ScriptedExecutor { _ in
            try? space.setMode("sim", 0o755)
            return .exits(0)
        }
        let summary = try await project.run([reading("a", "sim")], with: executor, ledger: ledger, observer: observer)
        #expect(summary.notReusable.isEmpty)
        #expect(observer.warnings.isEmpty)
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
