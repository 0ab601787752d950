import SaturnCore
import SaturnTesting
import Testing

@Suite struct GraphTests {
    private func graph(_ tasks: [TaskSpec]) -> (graph: Graph, problems: [Diagnostic]) {
        var problems: [Diagnostic] = []
        let graph = Graph(tasks.numbered, problems: &problems)
        return (graph, problems)
    }

    private func mark(_ line: Int, _ column: Int) -> SourceMark { SourceMark(line: line, column: column) }

    @Test func levelsComeAfterAllThatTheyNeed() {
        let (graph, problems) = graph([
            TaskSpec("report", needs: ["train", "prepare"]), TaskSpec("train", needs: ["prepare"]),
            TaskSpec("prepare"), TaskSpec("other"),
        ])
        #expect(problems.isEmpty)
        #expect(graph.levels == [[2, 3], [1], [0]])
        #expect(graph.nodes.map(\.level) == [2, 1, 0, 0])
        #expect(graph.nodes[0].needs == [1, 2])
        #expect(graph.nodes[2].dependents == [0, 1])
        #expect(graph.indices == ["report": 0, "train": 1, "prepare": 2, "other": 3])
    }

    @Test func noTasksNoLevels() {
        let (graph, problems) = graph([])
        #expect(graph.levels.isEmpty)
        #expect(problems.isEmpty)
    }

    @Test func anUnknownNeedComesWithASuggestion() {
        let (graph, problems) = graph([TaskSpec("prepare"), TaskSpec("train", needs: ["prepaer", "zebra"])])
        #expect(
            problems == [
                Diagnostic(
                    at: mark(2, 10), "task 'train' needs 'prepaer', which is not a task",
                    hint: "did you mean 'prepare'?"),
                Diagnostic(at: mark(2, 11), "task 'train' needs 'zebra', which is not a task"),
            ])
        #expect(graph.nodes[1].needs.isEmpty)
    }

    @Test func aPatternNeedsAllThatItMatches() {
        let (graph, problems) = graph([
            TaskSpec("all", needs: ["*"]), TaskSpec("t-2"), TaskSpec("t-1"), TaskSpec("[odd]"),
            TaskSpec("some", needs: ["t-[12]", "t-1", "[odd]"]),
        ])
        #expect(problems.isEmpty)
        // In the order of the file, each once, and not itself.
        #expect(graph.nodes[0].needs == [1, 2, 3, 4])
        #expect(graph.nodes[4].needs == [1, 2, 3])
        #expect(graph.nodes[2].dependents == [0, 4])
    }

    /// One whose mistake has been reported is not among them, but the others keep their numbers.
    @Test func aPatternNeverMeansTheTaskItself() {
        var tasks = [TaskSpec("a"), TaskSpec("b", needs: ["*"])].numbered
        tasks[1].index = 2
        var problems: [Diagnostic] = []
        #expect(Graph(tasks, problems: &problems).nodes[1].needs == [0])
        #expect(problems.isEmpty)
    }

    @Test func aPatternHasToMatchAnotherTask() {
        let (_, problems) = graph([TaskSpec("a", needs: ["a*", "zebra-*"])])
        #expect(
            problems == [
                Diagnostic(at: mark(1, 10), "task 'a' needs 'a*', which matches no other task"),
                Diagnostic(at: mark(1, 11), "task 'a' needs 'zebra-*', which matches no other task"),
            ])
    }

    @Test func aCycleOfPatternsIsShownWhereItBegins() {
        let (_, problems) = graph([TaskSpec("a", needs: ["b*"]), TaskSpec("b1", needs: ["a"])])
        #expect(problems == [Diagnostic(at: mark(1, 10), "the needs form a cycle: a → b1 → a")])
    }

    @Test func namesOfAPatternThatGiveOneVariableAreRefused() {
        let (_, problems) = graph([TaskSpec("lr-1"), TaskSpec("lr.1"), TaskSpec("sum", needs: ["lr*"])])
        #expect(
            problems == [
                Diagnostic(
                    at: mark(3, 10), "'lr-1' and 'lr.1' would both be SATURN_NEEDS_LR_1", hint: "rename one of them")
            ])
    }

    /// Ten thousand tasks with a pattern of their own each, among twenty thousand names.
    @Test func patternsOfASweepAreQuick() {
        let count = 10_000
        let (graph, problems) = graph(
            (0..<count).map { TaskSpec("prepare-\($0)-x") }
                + (0..<count).map { TaskSpec("train-\($0)", needs: ["prepare-\($0)-*"]) })
        #expect(problems.isEmpty)
        #expect(graph.nodes[count..<2 * count].allSatisfy { $0.needs == [$0.spec.index - count] })
    }

    @Test func aTaskThatNeedsItselfIsACycle() {
        let (graph, problems) = graph([TaskSpec("a", needs: ["a"])])
        #expect(problems == [Diagnostic(at: mark(1, 10), "the needs form a cycle: a → a")])
        #expect(graph.levels.isEmpty)
    }

    @Test func aCycleIsShownAsAPath() {
        let (_, problems) = graph([
            TaskSpec("start", needs: ["a"]), TaskSpec("a", needs: ["leaf", "b"]), TaskSpec("b", needs: ["c"]),
            TaskSpec("c", needs: ["a"]), TaskSpec("leaf"),
        ])
        #expect(problems == [Diagnostic(at: mark(2, 11), "the needs form a cycle: a → b → c → a")])
    }

    @Test func everyCycleOnItsOwnIsReported() {
        let (_, problems) = graph([
            TaskSpec("a", needs: ["b"]), TaskSpec("b", needs: ["a"]), TaskSpec("c", needs: ["d", "a"]),
            TaskSpec("d", needs: ["c"]),
        ])
        #expect(
            problems.map(\.message) == [
                "the needs form a cycle: a → b → a", "the needs form a cycle: c → d → c",
            ])
    }

    @Test func tasksThatReachEachOtherMakeOneReport() {
        let names = (0..<200).map { "t\($0)" }
        let (_, problems) = graph(names.map { name in TaskSpec(name, needs: names.filter { $0 != name }) })
        #expect(problems.map(\.message) == ["the needs form a cycle: t0 → t1 → t0"])
    }

    @Test func aLongChainNeedsNoRecursion() {
        let count = 100_000
        let (chain, problems) = graph(
            (0..<count).map { TaskSpec("t\($0)", needs: $0 + 1 < count ? ["t\($0 + 1)"] : []) })
        #expect(problems.isEmpty)
        #expect(chain.levels.count == count)
        let (_, cycles) = graph((0..<count).map { TaskSpec("t\($0)", needs: ["t\(($0 + 1) % count)"]) })
        #expect(cycles.count == 1)
    }

    @Test func needsWithOneVariableNameCollide() {
        let (_, problems) = graph([TaskSpec("lr-1"), TaskSpec("lr.1"), TaskSpec("report", needs: ["lr-1", "lr.1"])])
        #expect(
            problems == [
                Diagnostic(
                    at: mark(3, 11), "'lr-1' and 'lr.1' would both be SATURN_NEEDS_LR_1", hint: "rename one of them")
            ])
    }

    @Test func aNeedWrittenTwiceCountsOnce() {
        let (graph, problems) = graph([TaskSpec("a"), TaskSpec("b", needs: ["a", "a"])])
        #expect(problems.isEmpty)
        #expect(graph.nodes[1].needs == [0])
        #expect(graph.nodes[0].dependents == [1])
        #expect(graph.levels == [[0], [1]])
    }
}
