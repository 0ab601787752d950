import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

@Suite(.timeLimit(.minutes(25))) struct RunTests {
    private let project: Project
    private let ledger = MemoryLedger()
    private let observer = RecordingObserver()

    init() throws { project = try Project() }

    @Test func tasksSucceed() async throws {
        let executor = ScriptedExecutor(clock: project.clock)
        let summary = try await project.run(
            [TaskSpec("a"), TaskSpec("b", "echo b")], with: executor, ledger: ledger, observer: observer)
        #expect(executor.launched.all == ["a", "b"])
        #expect(!executor.isStarted)
        #expect(summary.states == [.succeeded, .succeeded])
        #expect(summary.causes.isEmpty)
        #expect(summary.stoppedBy == nil)
        #expect(summary.notReusable.isEmpty)
        #expect(project.store.eventTypes(of: "a") == ["submitted", "started", "complete"])
        #expect(try project.store.status(of: .standing(task: "a")) == "success")
        #expect(project.store.error(of: "a") == nil)
        let run = try #require(try ledger.runs().first)
        #expect(run.state == .succeeded)
        #expect(run.exitCode == 0)
        #expect(run.ended == project.clock.now())
        #expect(try ledger.tasks(of: "run").map(\.state) == [.succeeded, .succeeded])
        let record = try #require(try ledger.standing(in: project.store.location)["a"])
        #expect(record.state == .success)
        #expect(record.reusable)
        #expect(record.started == project.clock.now())
        #expect(try ledger.tasks(of: "run")[0].attempt == record.id)
    }

    @Test func theEventsSayWhereAResultComesFrom() async throws {
        project.code.set("tree", at: project.space.folder, commit: "c0ffee", dirty: true)
        _ = try await project.run([TaskSpec("a")], with: ScriptedExecutor(), ledger: ledger, name: "my run")
        let events = try #require(try project.store.events(of: .standing(task: "a")))
        let record = try #require(ledger.records.first)
        #expect(events.key == record.key)
        #expect(events.attempt == record.id)
        #expect(events.run == "my run")
        #expect(events.project == project.state.project)
        #expect(events.events[0]["commit"] == "c0ffee")
        #expect(events.events[0]["dirty"] == "true")
        #expect(events.events[0]["host"] == "box")
        // The key is the digest of what the ledger keeps for `why`.
        #expect(try ledger.fields(of: record.key).map { Digest(of: ManifestCoding.encode($0)) } == record.key)
    }

    @Test func aFailureBlocksWhatNeedsItAndNothingElse() async throws {
        let executor = ScriptedExecutor(clock: project.clock) { task, _ in .exits(task == "bad" ? 3 : 0) }
        let summary = try await project.run(
            [
                TaskSpec("bad"), TaskSpec("child", needs: ["bad"]), TaskSpec("grandchild", needs: ["child"]),
                TaskSpec("good"),
            ],
            with: executor, ledger: ledger, observer: observer)
        #expect(executor.launched.all == ["bad", "good"])
        #expect(summary.states == [.failed, .blocked, .blocked, .succeeded])
        #expect(summary.causes == [0: .exited(3)])
        #expect(summary.blockedBy == [1: 0, 2: 0])
        #expect(try project.store.status(of: .standing(task: "bad")) == "failure")
        #expect(project.store.error(of: "bad") == 3)
        #expect(try project.store.look(at: .standing(task: "child")) == .absent)
        #expect(try ledger.runs().first?.state == .failed)
        #expect(try ledger.runs().first?.exitCode == 1)
        let notes = try ledger.tasks(of: "run").map(\.note)
        #expect(notes == ["exit code 3", "needs bad", "needs bad", nil])
        #expect(try ledger.standing(in: project.store.location)["bad"]?.exitCode == 3)
    }

    @Test(arguments: [
        (Exit.signal(9), Cause.signal(9), Int32(137)), (.lost("worker died"), .lost("worker died"), 125),
        (.notStarted("no such program", code: 127), .notStarted("no such program", code: 127), 127),
    ]) func everyEndHasItsCauseAndCode(_ exit: Exit, _ cause: Cause, _ code: Int32) async throws {
        let executor = ScriptedExecutor { _, _ in .ends(exit) }
        let summary = try await project.run([TaskSpec("a")], with: executor)
        #expect(summary.causes == [0: cause])
        #expect(project.store.error(of: "a") == code)
    }

    @Test func aTaskIsRetriedInItsOwnWorkspace() async throws {
        var task = TaskSpec("flaky")
        task.retries = 3
        let executor = ScriptedExecutor(clock: project.clock) { _, attempt in .exits(attempt < 3 ? 1 : 0) }
        let summary = try await project.run([task], with: executor, ledger: ledger, observer: observer)
        #expect(summary.states == [.succeeded])
        #expect(summary.causes.isEmpty)
        let launches = executor.launches.all
        #expect(launches.map { $0[variable: "SATURN_ATTEMPT"] } == ["1", "2", "3"])
        #expect(launches.map { $0[variable: "SATURN_ATTEMPT_ID"] } == launches.map(\.attempt.description))
        #expect(Set(launches.map(\.attempt)).count == 3)
        #expect(Set(launches.map(\.workspace)).count == 1)
        #expect(Set(launches.map { $0[variable: "SATURN_CHECKPOINT_DIR"] }).count == 1, "it survives a retry")
        #expect(
            project.store.calls.all == [
                "begin flaky", "checkpoint", "again flaky", "checkpoint", "again flaky", "checkpoint", "publish flaky",
                "forget", "sync",
            ])
        #expect(
            project.store.eventTypes(of: "flaky")
                == ["submitted", "started", "retried", "started", "retried", "started", "complete"])
        #expect(ledger.records.map(\.id) == [launches[2].attempt])
        #expect(try project.store.events(of: .standing(task: "flaky"))?.attempt == launches[2].attempt)
        let retries = observer.events.all.compactMap { event -> Int? in
            if case .retrying(0, let number, .exited(1), 0) = event { number } else { nil }
        }
        #expect(retries == [2, 3])
    }

    @Test func theLastFailureOfARetriedTaskCounts() async throws {
        var task = TaskSpec("bad")
        task.retries = 1
        let executor = ScriptedExecutor { _, attempt in .exits(Int32(attempt)) }
        let summary = try await project.run([task], with: executor, ledger: ledger)
        #expect(executor.launched.all == ["bad", "bad"])
        #expect(summary.causes == [0: .exited(2)])
        #expect(project.store.error(of: "bad") == 2)
    }

    @Test func aTaskThatTakesTooLongIsEnded() async throws {
        var task = TaskSpec("slow")
        task.timeout = 60
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .deaf }
        async let running = project.run([task], with: executor, ledger: ledger, observer: observer)
        try await observer.started(0)
        project.clock.advance(by: 59)
        project.clock.advance(by: 1)
        try await executor.cancels.first { $0 == .init("slow", force: false) }
        project.clock.advance(by: 5)
        let summary = try await running
        #expect(executor.cancels.all == [.init("slow", force: false), .init("slow", force: true)])
        #expect(summary.causes == [0: .timeout(60)])
        #expect(summary.duration == 65)
        #expect(project.store.error(of: "slow") == 124)
        #expect(project.store.eventTypes(of: "slow") == ["submitted", "started", "timeout", "complete"])
        let durations = observer.events.all.compactMap { event -> Double? in
            if case .settled(0, .failed, let settled) = event { settled.duration } else { nil }
        }
        #expect(durations == [65])
    }

    @Test func nothingIsEndedBeforeItsTime() async throws {
        var task = TaskSpec("slow")
        task.timeout = 60
        let executor = ScriptedExecutor(clock: project.clock) { _, _ in .held }
        async let running = project.run([task], with: executor, observer: observer)
        try await observer.started(0)
        project.clock.advance(by: 59.9)
        try await observer.events.first { if case .beat = $0 { true } else { false } }
        try await executor.release("slow")
        #expect(try await running.states == [.succeeded])
        #expect(executor.cancels.all.isEmpty)
    }

    @Test func afterTheLastFailureAllowedNothingStarts() async throws {
        let executor = ScriptedExecutor(slots: 1) { task, _ in .exits(task == "t1" ? 1 : 0) }
        let summary = try await project.run(
            (0..<5).map { TaskSpec("t\($0)") }, with: executor, ledger: ledger, maxFailures: 1)
        #expect(executor.launched.all == ["t0", "t1"])
        #expect(summary.states == [.succeeded, .failed, .skipped, .skipped, .skipped])
        #expect(try ledger.tasks(of: "run").map(\.state) == summary.states)
        #expect(try ledger.runs().first?.state == .failed)
    }

    @Test func noMoreRunThanThereAreSlots() async throws {
        let executor = ScriptedExecutor(slots: 3, clock: project.clock) { _, _ in .held }
        let names = (0..<9).map { "t\($0)" }
        async let running = project.run(names.map { TaskSpec($0) }, with: executor)
        for name in names { try await executor.release(name) }
        #expect(try await running.states.allSatisfy { $0 == .succeeded })
        #expect(executor.mostUnderWay == 3)
        #expect(executor.launched.all == names)
    }

    @Test func anAttemptKnowsWhatItIs() async throws {
        var second = TaskSpec("b", "sim")
        second.env = [Variable("LR", "0.5"), Variable("SATURN_TASK", "not this")]
        let executor = ScriptedExecutor()
        _ = try await project.run([TaskSpec("a", "sim"), second], with: executor, name: "sweep")
        let launch = try #require(executor.launches.all.last)
        #expect(launch.command == .shell("sim", shell: ["/bin/sh", "-ec"]))
        #expect(launch.workdir == project.space.folder)
        #expect(launch[variable: "LR"] == "0.5")
        #expect(launch[variable: "SATURN_RUN"] == "sweep")
        #expect(launch[variable: "SATURN_TASK"] == "b")
        #expect(launch[variable: "SATURN_TASK_INDEX"] == "1")
        #expect(launch[variable: "SATURN_RESULTS_DIR"] == project.store.location + "/b/results")
        #expect(launch[variable: "RESULTS_DIR"] == launch[variable: "SATURN_RESULTS_DIR"])
        #expect(launch[variable: "SATURN_NEEDS"] == nil)
    }

    @Test func secretsAreHandedOverAndKeptNowhere() async throws {
        let project = try Project(environment: ["TOKEN": "hunter2"])
        var task = TaskSpec("a")
        task.secrets = ["TOKEN"]
        let executor = ScriptedExecutor()
        _ = try await project.run([task], with: executor, ledger: ledger)
        let launch = try #require(executor.launches.all.first)
        #expect(launch.secrets == [Variable("TOKEN", "hunter2")])
        #expect(!launch.environment.contains { $0.value.contains("hunter2") })
        let record = try #require(ledger.records.first)
        let kept = try "\(String(describing: ledger.fields(of: record.key)))\(ledger.tasks(of: "run"))\(record)"
        #expect(!kept.contains("hunter2"))
        let events = try project.store.events(of: .standing(task: "a"))
        #expect(events?.events.contains { $0.fields.contains { $0.value.contains("hunter2") } } == false)
    }

    @Test func equalTasksHaveSeedsOfTheirOwnThatStay() async throws {
        let tasks = (0..<4).map { TaskSpec("r\($0)", "sim") }
        func seeds() async throws -> [String: Int] {
            let executor = ScriptedExecutor()
            _ = try await project.run(tasks, with: executor, ledger: ledger, force: true)
            return Dictionary(
                uniqueKeysWithValues: executor.launches.all.map { launch in
                    (launch.workspace.task, launch[variable: "SATURN_SEED"].flatMap { Int($0) } ?? -1)
                })
        }
        let first = try await seeds()
        #expect(Set(first.values).count == 4)
        #expect(first.values.allSatisfy { (0...0x7FFF_FFFF).contains($0) })
        #expect(try await seeds() == first)
        // Run alone, a task has the seed that it had among its equals.
        let executor = ScriptedExecutor()
        _ = try await project.run(tasks, with: executor, ledger: ledger, only: [2], force: true)
        #expect(executor.launches.all.map { $0[variable: "SATURN_SEED"] } == [first["r2"].map { "\($0)" }])
    }
}
