import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// Early cut-off: what runs when the results that a task needs come out the same, or not.
@Suite(.timeLimit(.minutes(25))) struct CutOffTests {
    private let project: Project
    private let ledger = MemoryLedger()

    init() throws { project = try Project() }

    /// An executor whose tasks write the last word of their command.
    private func executor(
        slots: Int = 2, _ onLaunch: @escaping @Sendable (Launch) -> Void = { _ in }
    ) -> ScriptedExecutor {
        let space = project.space
        return ScriptedExecutor(slots: slots) { launch in
            onLaunch(launch)
            let word = launch.command.text.split(separator: " ").last.map(String.init) ?? ""
            // A file that is missing shows in what runs next.
            try? space.write(launch.workspace.results + "/out", word)
            return .exits(0)
        }
    }

    private func diamond(_ prepare: String) -> [TaskSpec] {
        [
            TaskSpec("prepare", prepare), TaskSpec("left", "make L", needs: ["prepare"]),
            TaskSpec("right", "make R", needs: ["prepare"]), TaskSpec("join", "make J", needs: ["left", "right"]),
        ]
    }

    @Test func aDiamondWhosePreparationComesOutTheSameIsReused() async throws {
        _ = try await project.run(diamond("one A"), with: executor(), ledger: ledger)
        #expect(
            try project.plan(diamond("two A"), ledger: ledger).map { $0?.action } == [.run, .maybe, .maybe, .maybe])
        let second = executor()
        let observer = RecordingObserver()
        let summary = try await project.run(diamond("two A"), with: second, ledger: ledger, observer: observer)
        #expect(second.launched.all == ["prepare"])
        #expect(summary.states == [.succeeded, .reused, .reused, .reused])
        #expect(try ledger.tasks(of: "run").map(\.state) == [.succeeded, .reused, .reused, .reused])
        #expect(try project.plan(diamond("two A"), ledger: ledger).allSatisfy { $0?.action == .reuse })
    }

    @Test func aDiamondWhosePreparationComesOutDifferentRunsAgain() async throws {
        _ = try await project.run(diamond("one A"), with: executor(), ledger: ledger)
        let second = executor()
        let summary = try await project.run(diamond("two B"), with: second, ledger: ledger)
        // `left` and `right` write what they wrote before, whatever they need.
        #expect(Set(second.launched.all) == ["prepare", "left", "right"])
        #expect(summary.states == [.succeeded, .succeeded, .succeeded, .reused])
    }

    @Test func goingBackToAnEarlierOutputExecutesNothingElse() async throws {
        _ = try await project.run(diamond("one A"), with: executor(), ledger: ledger)
        _ = try await project.run(diamond("two B"), with: executor(), ledger: ledger)
        // A third command with the first one's output: what needs it comes from the attic.
        let third = executor()
        let summary = try await project.run(diamond("three A"), with: third, ledger: ledger)
        #expect(third.launched.all == ["prepare"])
        #expect(summary.states == [.succeeded, .restored, .restored, .reused])
        #expect(try project.plan(diamond("three A"), ledger: ledger).allSatisfy { $0?.action == .reuse })
    }

    @Test func resultsTradePlacesWhileTheRunGoesOn() async throws {
        func tasks(_ prepare: String, _ left: String, _ right: String) -> [TaskSpec] {
            [
                TaskSpec("prepare", prepare), TaskSpec("left", left, needs: ["prepare"]),
                TaskSpec("right", right, needs: ["prepare"]),
            ]
        }
        _ = try await project.run(tasks("one A", "make L", "make R"), with: executor(), ledger: ledger)
        let second = executor()
        let summary = try await project.run(tasks("two A", "make R", "make L"), with: second, ledger: ledger)
        #expect(second.launched.all == ["prepare"])
        #expect(summary.states == [.succeeded, .restored, .restored])
        #expect(
            try project.plan(tasks("two A", "make R", "make L"), ledger: ledger).allSatisfy { $0?.action == .reuse })
    }

    @Test func forcedTasksRunWhateverTheyNeed() async throws {
        _ = try await project.run(diamond("one A"), with: executor(), ledger: ledger)
        let second = executor()
        let summary = try await project.run(diamond("one A"), with: second, ledger: ledger, force: true)
        #expect(second.launched.all.count == 4)
        #expect(summary.states.allSatisfy { $0 == .succeeded })
    }

    @Test func resultsThatAreDeletedWhileTheRunGoesOnFailWhatNeedsThem() async throws {
        _ = try await project.run(diamond("one A"), with: executor(), ledger: ledger)
        let space = project.space
        let folder = project.store.location.split(separator: "/").last.map { "\($0)/prepare" } ?? ""
        // What `prepare` writes is gone when `left` and `right` are decided: `other` deletes it, and all wait for that.
        let tasks =
            diamond("two A").map { task in
                var task = task
                if task.name == "left" || task.name == "right" {
                    task.needs.append(Marked("other", at: SourceMark(line: 9, column: 9)))
                }
                return task
            } + [TaskSpec("other", "make O")]
        // One after the other, in the order of the file.
        let second = executor(slots: 1) { launch in
            if launch.workspace.task == "other" { space.remove(folder + "/results") }
        }
        let summary = try await project.run(tasks, with: second, ledger: ledger)
        #expect(summary.states == [.succeeded, .failed, .failed, .blocked, .succeeded])
        #expect(summary.causes[1]?.text == "the results of 'prepare' were deleted")
    }

    @Test func aLongChainIsDecidedOneByOne() async throws {
        let count = 3000
        func chain(_ first: String) -> [TaskSpec] {
            (0..<count).map { TaskSpec("t\($0)", $0 == 0 ? first : "make \($0)", needs: $0 == 0 ? [] : ["t\($0 - 1)"]) }
        }
        _ = try await project.run(chain("one A"), with: executor(), ledger: ledger)
        let second = executor()
        let summary = try await project.run(chain("two A"), with: second, ledger: ledger)
        #expect(second.launched.all == ["t0"])
        #expect(summary.states.count { $0 == .reused } == count - 1)
    }

    @Test func aRunThatIsStoppedDecidesNothingMore() async throws {
        _ = try await project.run(diamond("one A"), with: executor(), ledger: ledger)
        let failing = ScriptedExecutor { _ in .exits(1) }
        let summary = try await project.run(diamond("two A"), with: failing, ledger: ledger)
        #expect(summary.states == [.failed, .blocked, .blocked, .blocked])
        // What they had stays theirs.
        let third = executor()
        _ = try await project.run(diamond("one A"), with: third, ledger: ledger)
        #expect(third.launched.all.isEmpty)
    }

    /// What a task makes beside its results, others may have among their inputs.
    @Test func anInputThatANeededTaskMakesIsLookedAtAgain() async throws {
        let space = project.space
        try space.write("data.csv", "old")
        func tasks(_ prepare: String) -> [TaskSpec] {
            var train = TaskSpec("train", "make T", needs: ["prepare"])
            train.inputs = [Marked("data.csv", at: SourceMark(line: 2, column: 30))]
            return [TaskSpec("prepare", prepare), train]
        }
        _ = try await project.run(tasks("one A"), with: executor(), ledger: ledger)
        let second = executor { launch in
            // That it was not written would show in what runs.
            if launch.workspace.task == "prepare" { try? space.write("data.csv", "new") }
        }
        let observer = RecordingObserver()
        let summary = try await project.run(tasks("two A"), with: second, ledger: ledger, observer: observer)
        #expect(second.launched.all == ["prepare", "train"])
        #expect(summary.notReusable == [1], "its key has the old one")
        #expect(observer.warnings.contains { $0.contains("data.csv changed while tasks ran") })
        #expect(try project.plan(tasks("two A"), ledger: ledger).map { $0?.action } == [.reuse, .run])
        let third = executor()
        _ = try await project.run(tasks("two A"), with: third, ledger: ledger)
        #expect(third.launched.all == ["train"])
        #expect(try project.plan(tasks("two A"), ledger: ledger).map { $0?.action } == [.reuse, .reuse])
    }

    /// While a long task runs somebody looks at another branch, and comes back.
    @Test func whatChangesAndIsPutBackWhileATaskRunsIsNoticed() async throws {
        let space = project.space
        try space.write("data.csv", "old")
        var task = TaskSpec("a", "make A")
        task.inputs = [Marked("data.csv", at: SourceMark(line: 1, column: 30))]
        let held = ScriptedExecutor { _, _ in .held }
        let observer = RecordingObserver()
        let (project, tasks, ledger) = (project, [task], ledger)
        async let summary = project.run(tasks, with: held, ledger: ledger, observer: observer)
        try await observer.started(0)
        try space.write("data.csv", "new")
        project.clock.advance(by: 2)
        try await observer.events.first { if case .warning = $0 { true } else { false } }
        try space.write("data.csv", "old")
        project.clock.advance(by: 2)
        try await held.release("a")
        #expect(try await summary.notReusable == [0])
        #expect(try project.plan(tasks, ledger: ledger).map { $0?.action } == [.run])
    }
}
