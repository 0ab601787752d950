import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

@Suite(.timeLimit(.minutes(25))) struct RunNeedsTests {
    private let project: Project
    private let ledger = MemoryLedger()

    init() throws { project = try Project() }

    /// An executor whose tasks write `out` and tell what they find in `SATURN_NEEDS`.
    private func executor(_ texts: [String: String], seen: Recording<String> = Recording()) -> ScriptedExecutor {
        let space = project.space
        return ScriptedExecutor(slots: 1) { launch in
            // A file that is missing shows in what was seen.
            if let text = texts[launch.workspace.task] { try? space.write(launch.workspace.results + "/out", text) }
            if let file = launch[variable: "SATURN_NEEDS"] { seen.append((try? space.read(file)) ?? "no file") }
            return .exits(0)
        }
    }

    @Test func aDependentFindsWhatItNeeds() async throws {
        let seen = Recording<String>()
        let executor = executor([:], seen: seen)
        let tasks = [TaskSpec("report", needs: ["lr-0.5", "prepare"]), TaskSpec("prepare"), TaskSpec("lr-0.5", "x")]
        let summary = try await project.run(tasks, with: executor)
        #expect(summary.states == [.succeeded, .succeeded, .succeeded])
        #expect(executor.launched.all == ["prepare", "lr-0.5", "report"])
        let results = project.store.location
        #expect(seen.all == ["lr-0.5\t\(results)/lr-0.5/results\nprepare\t\(results)/prepare/results\n"])
        let launch = try #require(executor.launches.all.last)
        #expect(launch[variable: "SATURN_NEEDS_LR_0_5"] == results + "/lr-0.5/results")
        #expect(launch[variable: "SATURN_NEEDS_PREPARE"] == results + "/prepare/results")
        // Only while it runs.
        #expect(try project.space.list(".saturn/needs").isEmpty)
        let calls = project.store.calls.all
        #expect(calls.firstIndex(of: "publish lr-0.5") ?? 99 < calls.firstIndex(of: "begin report") ?? -1)
    }

    @Test func everyAttemptHasItsFileAndNoneStays() async throws {
        let seen = Recording<String>()
        let space = project.space
        let executor = ScriptedExecutor { launch in
            if let file = launch[variable: "SATURN_NEEDS"] { seen.append((try? space.read(file)) ?? "no file") }
            return .exits(launch.workspace.task == "b" && launch[variable: "SATURN_ATTEMPT"] == "1" ? 1 : 0)
        }
        var task = TaskSpec("b", needs: ["a"])
        task.retries = 1
        _ = try await project.run([TaskSpec("a"), task], with: executor)
        #expect(seen.all.count == 2)
        #expect(Set(seen.all) == ["a\t\(project.store.location)/a/results\n"])
        #expect(try project.space.list(".saturn/needs").isEmpty)
    }

    @Test func beyondAHundredNeedsThereIsOnlyTheFile() async throws {
        let names = (0..<101).map { "t\($0)" }
        let seen = Recording<String>()
        let executor = executor([:], seen: seen)
        _ = try await project.run(
            names.map { TaskSpec($0) } + [
                TaskSpec("hundred", needs: Array(names.dropLast())), TaskSpec("all", needs: names),
            ],
            with: executor)
        let launches = Dictionary(uniqueKeysWithValues: executor.launches.all.map { ($0.workspace.task, $0) })
        func named(_ task: String) -> Int {
            launches[task]?.environment.count { $0.name.hasPrefix("SATURN_NEEDS_") } ?? -1
        }
        #expect(named("hundred") == 100)
        #expect(named("all") == 0)
        #expect(seen.all.map { $0.split(separator: "\n").count } == [100, 101])
    }

    @Test func resultsOfNeedsCountInTheKeyAndTheirKeysDoNot() async throws {
        let tasks = [TaskSpec("a", "one"), TaskSpec("b", needs: ["a"])]
        _ = try await project.run(tasks, with: executor(["a": "A", "b": "B"]), ledger: ledger)
        #expect(try project.plan(tasks, ledger: ledger).map { $0?.action } == [.reuse, .reuse])
        // Another command that writes the same.
        let changed = [TaskSpec("a", "two"), TaskSpec("b", needs: ["a"])]
        _ = try await project.run(changed, with: executor(["a": "A"]), ledger: ledger, only: [0])
        #expect(try project.plan(changed, ledger: ledger).map { $0?.action } == [.reuse, .reuse])
        // And one that writes something else.
        let other = [TaskSpec("a", "three"), TaskSpec("b", needs: ["a"])]
        _ = try await project.run(other, with: executor(["a": "A2"]), ledger: ledger, only: [0])
        let decisions = try project.plan(other, ledger: ledger)
        #expect(decisions.map { $0?.action } == [.reuse, .run])
        guard case .changed(let changes) = decisions[1]?.reason else {
            Issue.record("\(String(describing: decisions[1]?.reason))")
            return
        }
        #expect(changes.map(\.field) == ["needs.A"])
    }

    @Test func thePlanAndTheRunAgreeOnTheKey() async throws {
        let tasks = [TaskSpec("a"), TaskSpec("b", needs: ["a"])]
        _ = try await project.run(tasks, with: executor(["a": "A"]), ledger: ledger, only: [0])
        let planned = try project.plan(tasks, ledger: ledger)[1]?.key
        _ = try await project.run(tasks, with: executor([:]), ledger: ledger)
        #expect(try ledger.standing(in: project.store.location)["b"]?.key == planned)
    }

    @Test func onlyASelectedTaskRunsAndUsesTheResultsThatAreThere() async throws {
        let tasks = [TaskSpec("a"), TaskSpec("b", needs: ["a"]), TaskSpec("c", "other")]
        _ = try await project.run(tasks, with: executor(["a": "A"]), ledger: ledger, only: [0])
        let second = executor([:])
        let summary = try await project.run(tasks, with: second, ledger: ledger, only: [1])
        #expect(second.launched.all == ["b"])
        #expect(summary.states == [.reused, .succeeded, .excluded])
        #expect(try ledger.runs().first?.state == .succeeded)
        // It is the key that a whole run computes.
        #expect(try project.plan(tasks, ledger: ledger).map { $0?.action } == [.reuse, .reuse, .run])
    }

    @Test func aSelectedTaskIsBlockedByWhatIsLeftOut() async throws {
        let executor = executor([:])
        let summary = try await project.run(
            [TaskSpec("a"), TaskSpec("b", needs: ["a"])], with: executor, ledger: ledger, only: [1])
        #expect(executor.launched.all.isEmpty)
        #expect(summary.states == [.excluded, .blocked])
        #expect(summary.blockedBy == [1: 0])
    }
}
