import SaturnCore
import SaturnTesting
import Testing

@Suite struct PlannerTests {
    private let evidence = FakeEvidence()

    private func graph(_ tasks: [TaskSpec]) throws -> Graph {
        var problems: [Diagnostic] = []
        let graph = Graph(tasks.numbered, problems: &problems)
        try #require(problems.isEmpty)
        return graph
    }

    private func plan(_ graph: Graph, only selected: [String]? = nil, force: Bool = false) throws -> Plan {
        var planner = Planner(
            graph, evidence: evidence,
            options: .init(selected: selected.map { Set($0.compactMap { graph.indices[$0] }) }, force: force))
        return try planner.plan()
    }

    private func decision(_ plan: Plan, _ task: Int) throws -> Decision { try #require(plan.decisions[task]) }

    /// The key of a task whose needs have results of these texts.
    private func key(_ name: String, in graph: Graph, needs: [String: String] = [:]) throws -> TaskKey {
        let task = try #require(graph.indices[name])
        return Planner.manifest(of: task, in: graph) { need in
            needs[graph.nodes[need].name].map { Digest(of: $0.utf8) }
        }.key
    }

    private func other(_ number: Int) -> TaskKey { Digest(of: "another key \(number)".utf8) }

    // MARK: One task

    @Test func nothingThereIsNew() throws {
        let graph = try graph([TaskSpec("a")])
        let decision = try decision(plan(graph), 0)
        #expect(decision == Decision(action: .run, reason: .new, key: try key("a", in: graph)))
        #expect(decision.occupant == nil)
    }

    @Test func aSuccessUnderTheKeyIsReused() throws {
        let graph = try graph([TaskSpec("a")])
        let key = try key("a", in: graph)
        evidence.succeeded("a", .number(1), key)
        let result = StoredResult(attempt: .number(1), key: key, task: "a", place: .standing(task: "a"))
        let plan = try plan(graph)
        #expect(plan.decisions == [Decision(action: .reuse, reason: .inPlace, key: key, result: result)])
        #expect(plan.count(.reuse) == 1)
    }

    @Test func aChangeIsToldFieldByField() throws {
        let graph = try graph([TaskSpec("a", "train --lr 0.6")])
        var old = graph.nodes[0].manifest
        old.command = .shell("train --lr 0.5", shell: Command.defaultShell)
        old.env = [Variable("SEED", "1")]
        evidence.manifests[old.key] = old.fields
        evidence.succeeded("a", .number(1), old.key)
        let decision = try decision(plan(graph), 0)
        #expect(decision.action == .run)
        #expect(
            decision.reason
                == .changed([
                    FieldChange(field: "command", old: "train --lr 0.5", new: "train --lr 0.6"),
                    FieldChange(field: "env.SEED", old: "1", new: nil),
                ]))
        #expect(decision.occupant == Occupant(attempt: .number(1), key: old.key))
    }

    @Test func aChangeFromWhatIsNotKnownAnyMore() throws {
        let graph = try graph([TaskSpec("a")])
        evidence.succeeded("a", .number(1), other(1))
        #expect(try decision(plan(graph), 0).reason == .changedUnknown)
    }

    @Test func earlierEndsAreRunAgainEachWithItsReason() throws {
        let graph = try graph([TaskSpec("a")])
        let occupant = Occupant(attempt: .number(1), key: try key("a", in: graph))
        let expected: [(Standing, Reason, Occupant?)] = [
            (.failure(occupant, exitCode: 3), .failed(3), occupant), (.terminated(occupant), .terminated, occupant),
            (.unfinished(occupant), .unfinished, occupant),
            (.changedWhileRunning(occupant), .changedWhileRunning, occupant),
            (.gone(.folder, occupant), .folderGone, nil), (.gone(.status, occupant), .statusGone, occupant),
            (.gone(.results, occupant), .resultsGone, occupant),
        ]
        for (standing, reason, leaves) in expected {
            evidence.standing["a"] = standing
            let decision = try decision(plan(graph), 0)
            #expect(decision.action == .run)
            #expect(decision.reason == reason)
            #expect(decision.occupant == leaves, "\(reason)")
        }
    }

    @Test func aFailureUnderAnotherKeyIsAChange() throws {
        let graph = try graph([TaskSpec("a")])
        evidence.standing["a"] = .failure(Occupant(attempt: .number(1), key: other(1)), exitCode: 1)
        #expect(try decision(plan(graph), 0).reason == .changedUnknown)
    }

    // MARK: Accepted results

    @Test func anAcceptedResultIsReusedAndKeepsItsOwnKey() throws {
        let graph = try graph([TaskSpec("a")])
        let key = try key("a", in: graph)
        let occupant = Occupant(attempt: .number(1), key: other(1), accepted: [other(2), key])
        for standing in [Standing.success(occupant), .changedWhileRunning(occupant)] {
            evidence.standing["a"] = standing
            let decision = try decision(plan(graph), 0)
            #expect(decision.action == .reuse)
            #expect(decision.reason == .inPlace)
            #expect(decision.key == key)
            #expect(decision.result?.key == other(1))
        }
        // One that failed is not made good by that.
        evidence.standing["a"] = .failure(occupant, exitCode: 1)
        #expect(try decision(plan(graph), 0).action == .run)
    }

    @Test func whatChangedWhileItRanIsNotGoodUnderItsOwnKey() throws {
        let graph = try graph([TaskSpec("a")])
        evidence.standing["a"] = .changedWhileRunning(
            Occupant(attempt: .number(1), key: try key("a", in: graph), accepted: [other(1)]))
        #expect(try decision(plan(graph), 0).reason == .changedWhileRunning)
    }

    @Test func anAcceptedResultThatWasDeletedRunsUnderTheKeyOfNow() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", needs: ["a"])])
        let key = try key("a", in: graph)
        evidence.standing["a"] = .success(Occupant(attempt: .number(1), key: other(1), accepted: [key]))
        evidence.resultless = [.number(1)]
        let decision = try decision(plan(graph), 0)
        #expect(decision.reason == .resultsGone)
        #expect(decision.key == key)
        #expect(decision.occupant?.key == other(1), "the attic has it under its own key")
    }

    @Test func aRestoredAcceptedResultHasTheKeyOfNow() throws {
        let graph = try graph([TaskSpec("a")])
        let key = try key("a", in: graph)
        let result = StoredResult(
            attempt: .number(1), key: other(1), task: "old", place: .attic(key: other(1), attempt: .number(1)))
        evidence.stored[key] = [result]
        let decision = try decision(plan(graph), 0)
        #expect(decision.action == .restore)
        #expect(decision.key == key)
        #expect(decision.result == result)
    }

    /// What depends on accepted results has a key, and says what speaks against its own result.
    @Test func acceptingIsTriedOnAWholeChain() throws {
        let graph = try graph([TaskSpec("a", "new"), TaskSpec("b", "new", needs: ["a"]), TaskSpec("c", needs: ["b"])])
        var old = graph.nodes[0].manifest
        old.command = .shell("old", shell: Command.defaultShell)
        evidence.manifests[old.key] = old.fields
        evidence.succeeded("a", .number(1), old.key, digest: "A")
        evidence.succeeded("b", .number(2), other(2), digest: "B")
        evidence.standing["c"] = .failure(Occupant(attempt: .number(3), key: other(3)), exitCode: 1)
        var planner = Planner(graph, evidence: evidence, options: .init(accepting: [0, 1, 2]))
        let plan = try planner.plan()
        #expect(plan.decisions.map { $0?.action } == [.reuse, .reuse, .run])
        #expect(plan.decisions[0]?.reason == .changed([FieldChange(field: "command", old: "old", new: "new")]))
        #expect(plan.decisions[1]?.reason == .changedUnknown)
        #expect(plan.decisions[1]?.key == (try key("b", in: graph, needs: ["a": "A"])))
    }

    // MARK: What a task is compared with

    @Test func changesAreToldWithTheirFiles() throws {
        let graph = try graph([TaskSpec("a", "new")])
        var old = graph.nodes[0].manifest
        old.command = .shell("old", shell: Command.defaultShell)
        evidence.manifests[old.key] = old.fields
        evidence.files["command"] = [FileChange("x", .added)]
        evidence.succeeded("a", .number(1), old.key)
        let decision = try decision(plan(graph), 0)
        guard case .changed(let changes) = decision.reason else {
            Issue.record("\(decision.reason)")
            return
        }
        #expect(changes.map(\.files) == [[FileChange("x", .added)]])
        #expect(decision.against == Occupant(attempt: .number(1), key: old.key))
    }

    @Test func whereNothingStandsTheLatestAttemptOfTheNameCounts() throws {
        let graph = try graph([TaskSpec("a", "new")])
        var old = graph.nodes[0].manifest
        old.command = .shell("old", shell: Command.defaultShell)
        evidence.manifests[old.key] = old.fields
        evidence.newest["a"] = Occupant(attempt: .number(1), key: old.key)
        let decision = try decision(plan(graph), 0)
        #expect(decision.reason == .changed([FieldChange(field: "command", old: "old", new: "new")]))
        #expect(decision.occupant == nil)
        #expect(decision.against?.attempt == .number(1))
        evidence.newest["a"] = Occupant(attempt: .number(1), key: try key("a", in: graph))
        #expect(try self.decision(plan(graph), 0).reason == .resultsGone)
    }

    @Test func forceRunsWhatCouldBeReusedOrRestored() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", "echo b")])
        evidence.succeeded("a", .number(1), try key("a", in: graph))
        evidence.shelved(.number(2), try key("b", in: graph), of: "b")
        let plan = try plan(graph, force: true)
        #expect(plan.decisions.map { $0?.action } == [.run, .run])
        #expect(plan.decisions.map { $0?.reason } == [.forced, .forced])
        #expect(plan.decisions[0]?.occupant?.attempt == .number(1))
    }

    // MARK: Needs

    @Test func whatNeedsARunningTaskRunsWithoutAKeyYet() throws {
        let graph = try graph([
            TaskSpec("a"), TaskSpec("b", "echo b"), TaskSpec("c", needs: ["a", "b"]), TaskSpec("d", needs: ["c"]),
        ])
        evidence.succeeded("a", .number(1), try key("a", in: graph), digest: "A")
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.action } == [.reuse, .run, .run, .run])
        #expect(plan.decisions[2]?.reason == .new)
        #expect(plan.decisions[3]?.reason == .new)
        #expect(plan.decisions[2]?.key == nil)
    }

    @Test func whatHasAResultMayKeepItWhenItsNeedsRun() throws {
        let graph = try graph([
            TaskSpec("a"), TaskSpec("b", needs: ["a"]), TaskSpec("c", needs: ["b"]), TaskSpec("d", needs: ["a"]),
        ])
        evidence.succeeded("b", .number(2), try key("b", in: graph, needs: ["a": "A"]))
        evidence.succeeded("c", .number(3), try key("c", in: graph, needs: ["b": "B"]))
        let decisions = try plan(graph).decisions
        #expect(decisions.map { $0?.action } == [.run, .maybe, .maybe, .run])
        #expect(decisions.map { $0?.reason } == [.new, .needs([0]), .needs([1]), .new])
        #expect(decisions.map { $0?.isOpen } == [false, true, true, true])
        let forced = try plan(graph, force: true).decisions
        #expect(forced.map { $0?.action } == [.run, .run, .run, .run])
        #expect(forced.map { $0?.isOpen } == [false, false, false, false])
    }

    @Test func whatWasLeftOpenIsDecidedByTheResultsOfItsNeeds() throws {
        let graph = try graph([
            TaskSpec("a"), TaskSpec("same", "one", needs: ["a"]), TaskSpec("other", "two", needs: ["a"]),
            TaskSpec("shelved", "three", needs: ["a"]),
        ])
        evidence.succeeded("same", .number(1), try key("same", in: graph, needs: ["a": "A"]))
        evidence.succeeded("other", .number(2), try key("other", in: graph, needs: ["a": "before"]))
        evidence.shelved(.number(3), try key("shelved", in: graph, needs: ["a": "A"]), of: "shelved")
        var planner = Planner(graph, evidence: evidence)
        #expect(try planner.plan().decisions.map { $0?.action } == [.run, .maybe, .maybe, .run])
        evidence.digests[.number(9)] = Digest(of: "A".utf8)
        planner.claim(.number(9), for: 0)
        let decided = try planner.decide([1, 2, 3], results: [0: .number(9)])
        #expect((1...3).map { decided[$0]?.action } == [.reuse, .run, .restore])
        #expect(decided[2]?.occupant?.attempt == .number(2))
        #expect(decided[3]?.result?.attempt == .number(3))
        // And one without any is left open: it has nothing to run with.
        evidence.resultless = [.number(9)]
        #expect(try planner.decide([1], results: [0: .number(9)])[1]?.isOpen == true)
    }

    @Test func whatIsDecidedAtDifferentTimesDoesNotShareOneResult() throws {
        let graph = try graph([
            TaskSpec("a"), TaskSpec("b", "echo b"), TaskSpec("x", "sim", needs: ["a"]),
            TaskSpec("y", "sim", needs: ["a"]), TaskSpec("z", "sim", needs: ["a"]),
        ])
        let key = try key("x", in: graph, needs: ["a": "A"])
        evidence.succeeded("y", .number(1), key)
        evidence.shelved(.number(2), key, of: "gone")
        var planner = Planner(graph, evidence: evidence)
        _ = try planner.plan()
        evidence.digests[.number(9)] = Digest(of: "A".utf8)
        let results: [Int: AttemptID] = [0: .number(9)]
        // The one in the attic, and not the one that its own task may want.
        #expect(try planner.decide([2], results: results)[2]?.result?.attempt == .number(2))
        #expect(try planner.decide([3], results: results)[3]?.action == .reuse)
        #expect(try planner.decide([4], results: results)[4]?.action == .run)
    }

    @Test func whatAnotherTaskHasCopiedIsNotReusedInPlaceToo() throws {
        let graph = try graph([
            TaskSpec("a"), TaskSpec("x", "sim", needs: ["a"]), TaskSpec("y", "sim", needs: ["a"]),
        ])
        evidence.succeeded("y", .number(1), try key("x", in: graph, needs: ["a": "A"]))
        var planner = Planner(graph, evidence: evidence)
        _ = try planner.plan()
        evidence.digests[.number(9)] = Digest(of: "A".utf8)
        let results: [Int: AttemptID] = [0: .number(9)]
        #expect(try planner.decide([1], results: results)[1]?.transfer == .clone)
        // Asked again, as after something has gone in between, it keeps what it has.
        #expect(try planner.decide([1], results: results)[1]?.action == .restore)
        #expect(try planner.decide([2], results: results)[2]?.action == .run)
    }

    @Test func theKeyOfADependentFollowsTheResultsAndNotTheKeysOfItsNeeds() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", needs: ["a"])])
        evidence.succeeded("a", .number(1), try key("a", in: graph), digest: "A")
        evidence.succeeded("b", .number(2), try key("b", in: graph, needs: ["a": "A"]))
        #expect(try plan(graph).decisions.map { $0?.action } == [.reuse, .reuse])
        // Another attempt of `a`, the same files: the dependent stays.
        evidence.succeeded("a", .number(3), try key("a", in: graph), digest: "A")
        #expect(try plan(graph).decisions[1]?.action == .reuse)
        evidence.succeeded("a", .number(4), try key("a", in: graph), digest: "A2")
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.action } == [.reuse, .run])
        #expect(plan.decisions[1]?.key == (try key("b", in: graph, needs: ["a": "A2"])))
    }

    @Test func aChangedResultOfANeedIsNamed() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", needs: ["a"])])
        evidence.succeeded("a", .number(1), try key("a", in: graph), digest: "new")
        let old = Planner.manifest(of: 1, in: graph) { _ in Digest(of: "old".utf8) }
        evidence.manifests[old.key] = old.fields
        evidence.succeeded("b", .number(2), old.key)
        #expect(
            try plan(graph).decisions[1]?.reason
                == .changed([
                    FieldChange(
                        field: "needs.A", old: Digest(of: "old".utf8).description,
                        new: Digest(of: "new".utf8).description)
                ]))
    }

    @Test func theOrderInWhichNeedsAreWrittenDoesNotCount() throws {
        let tasks = [TaskSpec("a"), TaskSpec("b")]
        let one = try graph(tasks + [TaskSpec("c", needs: ["a", "b"])])
        let two = try graph(tasks + [TaskSpec("c", needs: ["b", "a"])])
        let needs = ["a": "A", "b": "B"]
        #expect(try key("c", in: one, needs: needs) == key("c", in: two, needs: needs))
    }

    @Test func neitherNameNorPlaceNorSettingsOfARunCount() throws {
        let plain = try graph([TaskSpec("a", "x")])
        var task = TaskSpec("other", "x")
        (task.retries, task.timeout, task.priority, task.secrets) = (3, 9, 7, ["TOKEN"])
        let decorated = try graph([TaskSpec("first"), task])
        #expect(try key("a", in: plain) == key("other", in: decorated))
    }

    // MARK: Restoring

    @Test func aResultInTheAtticComesBack() throws {
        let graph = try graph([TaskSpec("a")])
        let key = try key("a", in: graph)
        evidence.succeeded("a", .number(1), other(1))
        evidence.shelved(.number(2), key, of: "a")
        let decision = try decision(plan(graph), 0)
        #expect(decision.action == .restore)
        #expect(decision.reason == .fromAttic)
        #expect(decision.transfer == .move)
        #expect(decision.result?.attempt == .number(2))
        #expect(decision.occupant?.attempt == .number(1))
    }

    @Test func theResultOfARenamedTaskMoves() throws {
        let graph = try graph([TaskSpec("new-name")])
        evidence.succeeded("old-name", .number(1), try key("new-name", in: graph))
        let decision = try decision(plan(graph), 0)
        #expect(decision.action == .restore)
        #expect(decision.reason == .fromTask("old-name"))
        #expect(decision.transfer == .move)
        #expect(decision.occupant == nil)
    }

    @Test func theResultOfATaskThatAnotherRunPlansIsCloned() throws {
        let graph = try graph([TaskSpec("a")])
        evidence.succeeded("theirs", .number(1), try key("a", in: graph))
        evidence.plannedElsewhere = ["theirs"]
        let decision = try decision(plan(graph), 0)
        #expect(decision.reason == .fromTask("theirs"))
        #expect(decision.transfer == .clone)
    }

    @Test func resultsTradePlaces() throws {
        // The commands of a and b were exchanged.
        let graph = try graph([TaskSpec("a", "one"), TaskSpec("b", "two")])
        evidence.succeeded("a", .number(1), try key("b", in: graph))
        evidence.succeeded("b", .number(2), try key("a", in: graph))
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.action } == [.restore, .restore])
        #expect(plan.decisions.map { $0?.result?.attempt } == [.number(2), .number(1)])
        #expect(plan.decisions.map { $0?.occupant?.attempt } == [.number(1), .number(2)])
        #expect(plan.decisions.allSatisfy { $0?.transfer == .move })
    }

    @Test func theResultOfATaskThatRunsAgainMovesAway() throws {
        let graph = try graph([TaskSpec("a", "changed"), TaskSpec("b", "as a was")])
        evidence.succeeded("a", .number(1), try key("b", in: graph))
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.action } == [.run, .restore])
        #expect(plan.decisions[1]?.transfer == .move)
        #expect(plan.decisions[0]?.occupant?.attempt == .number(1))
    }

    @Test func theResultOfABlockedTaskStaysAndIsCloned() throws {
        let graph = try graph([
            TaskSpec("left-out"), TaskSpec("ready", "ready"), TaskSpec("b", needs: ["left-out"]),
            TaskSpec("c", needs: ["ready"]),
        ])
        evidence.succeeded("ready", .number(1), try key("ready", in: graph), digest: "R")
        evidence.succeeded("b", .number(2), try key("c", in: graph, needs: ["ready": "R"]))
        let plan = try plan(graph, only: ["ready", "b", "c"])
        #expect(plan.decisions.map { $0?.action } == [nil, .reuse, .blocked, .restore])
        #expect(plan.decisions[3]?.reason == .fromTask("b"))
        #expect(plan.decisions[3]?.transfer == .clone)
    }

    @Test func aResultIsNotTakenFromATaskThatHasYetToClaimIt() throws {
        // `late` comes on a later level, and may want what stands in its folder: what it needs has the same variable.
        let graph = try graph([
            TaskSpec("x-y"), TaskSpec("a", "true", needs: ["x-y"]), TaskSpec("x_y", "true", needs: ["x-y"]),
            TaskSpec("late", "true", needs: ["x_y"]),
        ])
        evidence.succeeded("x-y", .number(1), try key("x-y", in: graph), digest: "X")
        evidence.succeeded("late", .number(2), try key("a", in: graph, needs: ["x-y": "X"]))
        #expect(try plan(graph).decisions.map { $0?.action } == [.reuse, .run, .run, .maybe])
    }

    @Test func aResultIsTakenFromATaskThatCannotWantIt() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("late", needs: ["a"])])
        evidence.succeeded("late", .number(1), try key("a", in: graph))
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.action } == [.restore, .run])
        // Now that `late` is known to run, what stands in its folder would leave it anyway.
        #expect(plan.decisions[0]?.transfer == .move)
    }

    @Test func whatWasExecutedIsBetterThanWhatWasAccepted() throws {
        let graph = try graph([TaskSpec("a")])
        let key = try key("a", in: graph)
        evidence.standing["a"] = .success(Occupant(attempt: .number(1), key: other(1), accepted: [key]))
        #expect(try plan(graph).decisions[0]?.action == .reuse)
        evidence.shelved(.number(2), key, of: "a")
        let decision = try decision(plan(graph), 0)
        #expect(decision.action == .restore && decision.result?.attempt == .number(2))
        #expect(decision.occupant?.attempt == .number(1))
    }

    // MARK: Equal manifests

    @Test func equalTasksEachNeedAResultOfTheirOwn() throws {
        let graph = try graph([TaskSpec("r0", "sim"), TaskSpec("r1", "sim"), TaskSpec("r2", "sim")])
        let key = try key("r0", in: graph)
        evidence.succeeded("r1", .number(1), key)
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.action } == [.run, .reuse, .run])
        #expect(plan.decisions.map { $0?.reason } == [.new, .inPlace, .new])
    }

    @Test func ownFolderBeforeOwnNameBeforeAny() throws {
        let graph = try graph([TaskSpec("r0", "sim"), TaskSpec("r1", "sim"), TaskSpec("r2", "sim")])
        let key = try key("r0", in: graph)
        // Newest first: one of no task of this run, one that r2 made, and the one that stands in r1.
        evidence.shelved(.number(5), key, of: "r2")
        evidence.shelved(.number(4), key, of: "gone")
        evidence.succeeded("r1", .number(3), key)
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.action } == [.restore, .reuse, .restore])
        #expect(plan.decisions.map { $0?.result?.attempt } == [.number(4), .number(3), .number(5)])
    }

    @Test func noResultIsClaimedTwice() throws {
        let graph = try graph((0..<5).map { TaskSpec("r\($0)", "sim") })
        let key = try key("r0", in: graph)
        for number in 1...3 { evidence.shelved(.number(UInt64(number)), key, of: "gone") }
        let plan = try plan(graph)
        #expect(plan.count(.restore) == 3)
        #expect(plan.count(.run) == 2)
        #expect(Set(plan.decisions.compactMap { $0?.result?.attempt }).count == 3)
    }

    // MARK: Selection

    @Test func onlyTheSelectedAreDecided() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b"), TaskSpec("c")])
        let plan = try plan(graph, only: ["b"])
        #expect(plan.decisions.map { $0?.action } == [nil, .run, nil])
    }

    @Test func aSelectedTaskUsesTheResultsOfWhatItNeeds() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", needs: ["a"]), TaskSpec("c", needs: ["b"]), TaskSpec("d")])
        evidence.succeeded("a", .number(1), try key("a", in: graph), digest: "A")
        evidence.succeeded("b", .number(2), try key("b", in: graph, needs: ["a": "A"]), digest: "B")
        let plan = try plan(graph, only: ["c"])
        // What it needs stays in the plan, as reused: the run takes its digests from there.
        #expect(plan.decisions.map { $0?.action } == [.reuse, .reuse, .run, nil])
        #expect(plan.decisions[2]?.key == (try key("c", in: graph, needs: ["b": "B"])))
    }

    @Test func aSelectedTaskIsBlockedByANeedThatIsNotSelectedAndHasNoResult() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", needs: ["a"]), TaskSpec("c", needs: ["b"])])
        let plan = try plan(graph, only: ["b", "c"])
        #expect(plan.decisions.map { $0?.action } == [nil, .blocked, .blocked])
        #expect(plan.decisions[1]?.reason == .blocked(by: 0))
        #expect(plan.decisions[2]?.reason == .blocked(by: 1))
    }

    @Test func forceDoesNotReachWhatIsNotSelected() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", needs: ["a"])])
        evidence.succeeded("a", .number(1), try key("a", in: graph), digest: "A")
        let plan = try plan(graph, only: ["b"], force: true)
        #expect(plan.decisions.map { $0?.action } == [.reuse, .run])
        #expect(plan.decisions[1]?.reason == .forced)
    }

    @Test func theResultOfATaskThatIsNotSelectedIsCloned() throws {
        let graph = try graph([TaskSpec("a", "changed"), TaskSpec("b", "as a was")])
        evidence.succeeded("a", .number(1), try key("b", in: graph))
        let plan = try plan(graph, only: ["b"])
        #expect(plan.decisions.map { $0?.action } == [nil, .restore])
        #expect(plan.decisions[1]?.transfer == .clone)
    }

    // MARK: Folders of others

    @Test func aFolderThatSaturnDidNotMakeStopsThePlan() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b"), TaskSpec("c")])
        evidence.standing["b"] = .foreign("exists and was not made by saturn")
        evidence.standing["c"] = .foreign("belongs to another project (p)")
        #expect(
            throws: Failure(
                .inUse, "the folder of task 'b' exists and was not made by saturn (and 1 more)",
                hint: "move it away, or choose another results directory")
        ) { try plan(graph) }
        // Nobody looks at what is not selected.
        #expect(try plan(graph, only: ["a"]).count(.run) == 1)
    }

    @Test func anotherProjectsSuccessIsUsedUnderItsKeyAlone() throws {
        let graph = try graph([TaskSpec("a")])
        let key = try key("a", in: graph)
        evidence.standing["a"] = .foreignSuccess(Occupant(attempt: .number(1), key: key), "belongs to another project")
        #expect(try plan(graph).decisions[0]?.action == .reuse)
        evidence.standing["a"] = .foreignSuccess(
            Occupant(attempt: .number(1), key: other(1)), "belongs to another project")
        #expect(throws: Failure.self) { try plan(graph) }
    }

    @Test func anotherProjectsFolderIsRefusedAlsoWhenTheKeyIsNotKnownYet() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", needs: ["a"])])
        evidence.standing["b"] = .foreignSuccess(
            Occupant(attempt: .number(1), key: other(1)), "belongs to another project")
        #expect(throws: Failure.self) { try plan(graph) }
    }

    // MARK: Copies

    private func copy(_ attempt: UInt64, of origin: UInt64, _ key: TaskKey, task: String, _ place: ResultPlace) {
        evidence.stored[key, default: []].append(
            StoredResult(
                attempt: .number(attempt), key: key, task: task, place: place, origin: .number(origin)))
    }

    @Test func aResultElsewhereIsCopied() throws {
        let graph = try graph([TaskSpec("a")])
        let key = try key("a", in: graph)
        evidence.store(.number(1), key, of: "a", at: .at(location: "/other", .standing(task: "a")))
        let decision = try decision(plan(graph), 0)
        #expect(decision.action == .restore)
        #expect(decision.reason == .fromLocation("/other"))
        #expect(decision.transfer == .clone)
    }

    /// Two simulations with equal manifests want two results: one and its copy are one.
    @Test func anOriginalAndItsCopyAreOneResult() throws {
        let graph = try graph([TaskSpec("a", "same"), TaskSpec("b", "same")])
        let key = try key("a", in: graph)
        copy(2, of: 1, key, task: "a", .at(location: "/second", .standing(task: "a")))
        evidence.store(.number(1), key, of: "a", at: .at(location: "/first", .standing(task: "a")))
        #expect(try plan(graph).decisions.map { $0?.action } == [.restore, .run])
        copy(4, of: 3, key, task: "b", .at(location: "/second", .standing(task: "b")))
        #expect(try plan(graph).decisions.map { $0?.action } == [.restore, .restore])
    }

    @Test func theCopyInItsPlaceCountsAsItsOriginal() throws {
        let graph = try graph([TaskSpec("a", "same"), TaskSpec("b", "same")])
        let key = try key("a", in: graph)
        evidence.standing["a"] = .success(Occupant(attempt: .number(2), key: key, origin: .number(1)))
        evidence.store(.number(1), key, of: "a", at: .at(location: "/first", .standing(task: "a")))
        #expect(try plan(graph).decisions.map { $0?.action } == [.reuse, .run])
    }

    // MARK: After a crash

    @Test func whatMayNotHaveReachedTheDiskIsRunAgain() throws {
        let graph = try graph([TaskSpec("a")])
        let occupant = Occupant(attempt: .number(1), key: try key("a", in: graph))
        evidence.standing["a"] = .unsynced(occupant)
        let decision = try decision(plan(graph), 0)
        #expect(decision.action == .run)
        #expect(decision.reason == .unsynced)
        #expect(decision.occupant == occupant, "it must leave")
    }

    @Test func whatIsSparedIsNotForced() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", "other")])
        evidence.succeeded("a", .number(1), try key("a", in: graph))
        evidence.succeeded("b", .number(2), try key("b", in: graph))
        var planner = Planner(graph, evidence: evidence, options: .init(force: true, spared: [1]))
        #expect(try planner.plan().decisions.map { $0?.action } == [.run, .reuse])
    }

    // MARK: Results that were deleted

    @Test func aNeedWhoseResultsWereDeletedRunsAgain() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", "other", needs: ["a"]), TaskSpec("c", "third")])
        evidence.succeeded("a", .number(1), try key("a", in: graph))
        evidence.succeeded("c", .number(3), try key("c", in: graph))
        evidence.resultless = [.number(1), .number(3)]
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.reason } == [.resultsGone, .new, .inPlace])
        #expect(plan.decisions[0]?.occupant?.attempt == .number(1), "what is left of it must leave")
    }

    @Test func oneFromTheAtticToo() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", "other", needs: ["a"])])
        evidence.standing["a"] = .failure(Occupant(attempt: .number(2), key: other(1)), exitCode: 1)
        evidence.shelved(.number(1), try key("a", in: graph), of: "a")
        evidence.resultless = [.number(1)]
        let plan = try plan(graph)
        #expect(plan.decisions.map { $0?.reason } == [.resultsGone, .new])
        #expect(plan.decisions[0]?.occupant?.attempt == .number(2))
        #expect(plan.decisions[0]?.result == nil)
    }

    @Test func ofOneThatIsNotSelectedBlocks() throws {
        let graph = try graph([TaskSpec("a"), TaskSpec("b", "other", needs: ["a"])])
        evidence.succeeded("a", .number(1), try key("a", in: graph))
        evidence.resultless = [.number(1)]
        #expect(try plan(graph, only: ["b"]).decisions.map { $0?.action } == [nil, .blocked])
    }
}
