import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// Changes are put down to the files that they come from.
@Suite(.timeLimit(.minutes(25))) struct RunExplainTests {
    private let project: Project
    private let ledger = MemoryLedger()

    init() throws { project = try Project() }

    private func run(_ tasks: [TaskSpec]) async throws {
        _ = try await project.run(tasks, with: ScriptedExecutor(slots: 1) { _, _ in .exits(0) }, ledger: ledger)
    }

    private func changes(_ tasks: [TaskSpec], _ task: Int = 0) throws -> [FieldChange] {
        guard case .changed(let changes) = try project.plan(tasks, ledger: ledger)[task]?.reason else { return [] }
        return changes
    }

    private func reading(_ input: String, _ name: String = "a") -> TaskSpec {
        var task = TaskSpec(name, "cat")
        task.code = .none
        task.inputs = [Marked(input, at: SourceMark(line: 1, column: 1))]
        return task
    }

    @Test func codeIsAskedForOnceForAllTasks() async throws {
        let root = project.space.folder
        project.code.set("tree-1", at: root, commit: "c1")
        let tasks = (0..<50).map { TaskSpec("t\($0)", "echo \($0)") }
        try await run(tasks)
        let file = FileChange("lib/model.py", .changed, isUncommitted: true)
        project.code.set("tree-2", at: root, commit: "c2", differences: [file])
        #expect(try changes(tasks, 49).map(\.files) == [[file]])
        #expect(project.code.comparisons(at: root) == ["c1 → c2"])
    }

    @Test func codeThatCannotBeCompared() async throws {
        project.code.set("tree-1", at: project.space.folder, commit: "c1")
        let tasks = [TaskSpec("a", "x")]
        try await run(tasks)
        project.code.set("tree-2", at: project.space.folder, commit: "c2")
        #expect(try changes(tasks) == [FieldChange(field: "code.tree", old: "tree-1", new: "tree-2")])
        project.code.refuse(Failure(.usage, "damaged"), at: project.space.folder)
        #expect(throws: Failure.self) { try project.plan(tasks, ledger: ledger) }
    }

    @Test func aFileOfAFolder() async throws {
        for name in ["a.csv", "deep/b.csv"] { try project.space.write("data/\(name)", "1\n") }
        let tasks = [reading("data")]
        try await run(tasks)
        try project.space.write("data/deep/b.csv", "22\n")
        try project.space.write("data/c.csv", "1\n")
        let found = try changes(tasks)
        #expect(found.map(\.field) == ["inputs.data"])
        #expect(found.map(\.files) == [[FileChange("c.csv", .added), FileChange("deep/b.csv", .changed)]])
    }

    @Test func aFileAloneNeedsNoDetail() async throws {
        try project.space.write("x.csv", "1\n")
        try await run([reading("x.csv")])
        try project.space.write("x.csv", "22\n")
        #expect(try changes([reading("x.csv")]).map(\.files) == [[]])
    }

    /// A listing of megabytes is not kept: that the folder changed is said all the same.
    @Test func aFolderOfVeryManyFiles() async throws {
        let long = String(repeating: "x", count: 200)
        for number in 0..<17_000 { try project.space.write("data/\(long)\(number)", []) }
        try await run([reading("data")])
        try project.space.write("data/new", "1\n")
        let found = try changes([reading("data")])
        #expect(found.map(\.field) == ["inputs.data"])
        #expect(found.map(\.files) == [[]])
    }

    @Test func resultsThatAreNeeded() async throws {
        let tasks = [TaskSpec("prepare"), TaskSpec("train", "y", needs: ["prepare"])]
        try await run(tasks)
        let folder = project.store.folder(of: .standing(task: "prepare")) + "/results"
        try project.space.write("\(folder)/data.csv", "1\n")
        let found = try changes(tasks, 1)
        #expect(found.map(\.field) == ["needs.PREPARE"])
        #expect(found.map(\.files) == [[FileChange("data.csv", .added)]])
    }

    @Test func aResultThatIsGoneIsStillComparedWith() async throws {
        try await run([TaskSpec("a", "one")])
        try await run([TaskSpec("b", "one")])
        // It has moved to `b`, and `a` comes back as another.
        #expect(try project.plan([TaskSpec("b", "one"), TaskSpec("a", "two")], ledger: ledger)[1]?.reason == .new)
        try await run([TaskSpec("b", "two")])
        project.store.delete(.standing(task: "b"))
        let change = FieldChange(field: "command", old: "two", new: "three")
        #expect(try changes([TaskSpec("b", "three")]) == [change])
    }
}
