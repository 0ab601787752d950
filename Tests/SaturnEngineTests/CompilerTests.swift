import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

@Suite struct CompilerTests {
    private let project: Project
    private var space: TestSpace { project.space }

    init() throws { project = try Project(environment: ["LANG": "C", "EMPTY": ""]) }

    private func node(_ task: TaskSpec, run: String = "run") throws -> TaskNode {
        try #require(try project.compile([task], run: run).graph.nodes.first)
    }

    private func problems(_ tasks: [TaskSpec]) -> [Diagnostic] { project.problems(tasks) }

    private func mark(_ line: Int, _ column: Int) -> SourceMark { SourceMark(line: line, column: column) }

    // MARK: Outside git

    @Test func outsideGitTheScriptCountsByContent() throws {
        try space.write("train.py", "one")
        let task = TaskSpec("a", "python train.py --lr 1")
        let first = try node(task)
        #expect(first.manifest.code == [Manifest.Value("train.py", Digest(of: "one".utf8).description)])
        try space.write("train.py", "other")
        #expect(try node(task).manifest.key != first.manifest.key)
        #expect(
            try project.compile([task]).notes == [
                "outside git train.py counts by content, and nothing that it reads; list such files under inputs"
            ])
    }

    @Test(arguments: [
        ("python train.py data.csv", "train.py"), ("./train.py", "./train.py"), ("python sub/x.py", "sub/x.py"),
        ("sort < data.csv train.py", "train.py"), ("run > data.csv; python train.py", "train.py"),
        ("python 'odd name.py'", "odd name.py"), ("python -u train.py", "train.py"),
        ("LR=1 python train.py", "train.py"), ("cat sub | python train.py", "train.py"),
    ]) func theFirstWordThatNamesAFileIsTheScript(_ command: String, _ script: String) throws {
        for name in ["train.py", "data.csv", "sub/x.py", "odd name.py", "-u"] { try space.write(name, name) }
        #expect(try node(TaskSpec("a", command)).manifest.code.map(\.name) == [script])
    }

    @Test func aDirectCommandsWordsAreItsArguments() throws {
        try space.write("a b.py", "x")
        var task = TaskSpec("a")
        task.command = .direct(["python", "a b.py"])
        #expect(try node(task).manifest.code.map(\.name) == ["a b.py"])
    }

    @Test func aFileOutsideTheFolderIsNoScript() throws {
        space.makeFolder("work")
        try space.write("data.csv", "x")
        var task = TaskSpec("a", "cat \(space.path("data.csv"))")
        task.workdir = "work"
        #expect(try node(task).manifest.code.isEmpty)
        task.command = .shell("cat \(space.path("work/in.csv"))", shell: Command.defaultShell)
        try space.write("work/in.csv", "x")
        #expect(try node(task).manifest.code.map(\.name) == [space.path("work/in.csv")])
    }

    @Test func withoutAScriptNothingCountsAndThatIsSaid() throws {
        let compilation = try project.compile([TaskSpec("a", "echo hi")])
        #expect(compilation.graph.nodes[0].manifest.code.isEmpty)
        #expect(
            compilation.notes == [
                "outside git, and no file in their folder is named: no code counts of a; list it under inputs"
            ])
    }

    @Test func withoutCodeNothingIsLookedAt() throws {
        try space.write("train.py", "one")
        project.code.refuse(Failure(.usage, "foreign owner"), at: space.folder)
        var task = TaskSpec("a", "python train.py")
        task.code = .none
        let compilation = try project.compile([task])
        #expect(compilation.graph.nodes[0].manifest.code.isEmpty)
        #expect(compilation.notes.isEmpty)
    }

    // MARK: In git

    @Test func inGitTheTreeCounts() throws {
        project.code.set("tree-1", at: space.folder, commit: "c1", dirty: true, tracking: ["train.py"])
        try space.write("train.py", "one")
        let node = try node(TaskSpec("a", "python train.py"))
        #expect(node.manifest.code == [Manifest.Value("tree", "tree-1")])
        #expect(node.provenance == Provenance(commit: "c1", dirty: true))
        #expect(try project.compile([TaskSpec("a", "python train.py")]).notes.isEmpty)
    }

    @Test func theCommitCountsWhereItIsAskedFor() throws {
        project.code.set("tree-1", at: space.folder, commit: "c1")
        var task = TaskSpec("a")
        task.code = .commitID
        #expect(try node(task).manifest.code == [Manifest.Value("tree", "tree-1"), Manifest.Value("commit", "c1")])
        let plain = try node(TaskSpec("a")).manifest.key
        project.code.set("tree-1", at: space.folder, commit: "c2")
        #expect(try node(TaskSpec("a")).manifest.key == plain)
        #expect(try node(task).manifest.code.last == Manifest.Value("commit", "c2"))
    }

    @Test func aScriptThatGitDoesNotCoverCountsBesideTheTree() throws {
        project.code.set("tree-1", at: space.folder, tracking: ["other.py"])
        try space.write("train.py", "one")
        let task = TaskSpec("a", "python train.py")
        #expect(
            try node(task).manifest.code == [
                Manifest.Value("tree", "tree-1"), Manifest.Value("train.py", Digest(of: "one".utf8).description),
            ])
        #expect(
            try project.compile([task]).notes == [
                "not tracked by git: train.py counts by content; other untracked files do not count"
            ])
    }

    @Test func theRunFileAndTheResultsAreLeftOutOfTheTree() throws {
        project.code.set("tree-1", at: space.folder)
        _ = try node(TaskSpec("a"))
        #expect(project.code.exclusions(at: space.folder) == [["run.yaml", "results", ".saturn"]])
    }

    @Test func oneLookAtTheTreeServesAllTasks() throws {
        project.code.set("tree-1", at: space.folder)
        space.makeFolder("sub")
        var inner = TaskSpec("b")
        inner.workdir = "sub"
        let graph = try project.compile([TaskSpec("a"), inner, TaskSpec("c")]).graph
        #expect(graph.nodes.map(\.manifest.workdir) == ["", "sub", ""])
        #expect(project.code.exclusions(at: space.folder).count == 1)
    }

    @Test func theRepositoryIsTheOneThatHoldsTheWorkdir() throws {
        project.code.set("outer", at: space.folder)
        project.code.set("inner", at: space.path("sub"))
        space.makeFolder("sub/deep")
        var task = TaskSpec("a")
        task.workdir = "sub/deep"
        let node = try node(task)
        #expect(node.manifest.code == [Manifest.Value("tree", "inner")])
        #expect(node.manifest.workdir == "deep")
        #expect(node.workdir == space.path("sub/deep"))
    }

    @Test func gitThatRefusesIsAnErrorAlsoAfterATaskThatDoesNotAsk() throws {
        let refusal = Failure(.usage, "foreign owner", hint: "git config --global --add safe.directory .")
        project.code.refuse(refusal, at: space.folder)
        var free = TaskSpec("free")
        free.code = .none
        #expect(throws: refusal) { try project.compile([TaskSpec("a")]) }
        #expect(throws: refusal) { try project.compile([free, TaskSpec("a")]) }
    }

    // MARK: Variables

    @Test(arguments: [
        ("echo $SATURN_TASK", ["SATURN_TASK"]), ("echo ${SATURN_TASK_INDEX}", ["SATURN_TASK_INDEX"]),
        ("echo $SATURN_RUN", ["SATURN_RUN"]),
        ("echo $SATURN_TASK_INDEX $SATURN_TASK $SATURN_RUN", ["SATURN_RUN", "SATURN_TASK_INDEX", "SATURN_TASK"]),
        ("echo $SATURN_RESULTS_DIR $SATURN_ATTEMPT", []), ("echo task", []),
    ]) func whatDiffersFromTaskToTaskCountsWhereItIsMentioned(_ command: String, _ names: [String]) throws {
        #expect(try node(TaskSpec("a", command)).manifest.context.map(\.name) == names)
    }

    @Test func theNameCountsOnlyForThoseWhoReadIt() throws {
        #expect(try node(TaskSpec("a")).manifest.key == node(TaskSpec("b")).manifest.key)
        let command = "echo $SATURN_TASK"
        #expect(try node(TaskSpec("a", command)).manifest.key != node(TaskSpec("b", command)).manifest.key)
        let run = "echo $SATURN_RUN"
        #expect(try node(TaskSpec("a", run)).manifest.key != node(TaskSpec("a", run), run: "2").manifest.key)
        #expect(try node(TaskSpec("a")).manifest.key == node(TaskSpec("a"), run: "2").manifest.key)
    }

    @Test func passedVariablesCountByValue() throws {
        var task = TaskSpec("a")
        task.passEnv = ["UNSET", "LANG", "EMPTY"]
        #expect(
            try node(task).manifest.passEnv == [
                Manifest.Value("EMPTY", ""), Manifest.Value("LANG", "C"), Manifest.Value("UNSET", nil),
            ])
    }

    @Test func secretsMustBeSetAndDoNotCount() throws {
        var task = TaskSpec("a")
        let plain = try node(task).manifest.key
        task.secrets = ["LANG"]
        #expect(try node(task).manifest.key == plain)
        task.secrets = ["TOKEN"]
        #expect(
            problems([task]) == [
                Diagnostic(at: mark(1, 1), "task 'a': the secret 'TOKEN' is not set in the environment")
            ])
    }

    @Test func whatTheExecutorAddsCounts() throws {
        let image = Manifest.Value("image", "python:3.12")
        let with = try project.compile([TaskSpec("a")], executor: [image]).graph.nodes[0]
        #expect(with.manifest.executor == [image])
        #expect(try with.manifest.key != node(TaskSpec("a")).manifest.key)
    }

    // MARK: Inputs

    private func task(inputs: [String]) -> TaskSpec {
        var task = TaskSpec("a", "echo")
        task.inputs = inputs.enumerated().map { Marked($1, at: mark(1, 20 + $0)) }
        return task
    }

    @Test func inputsCountByContentUnderTheNameThatWasWrittenOrFound() throws {
        try space.write("data/a.csv", "1")
        try space.write("data/b.csv", "2")
        try space.write("one.txt", "3")
        let inputs = try node(task(inputs: ["one.txt", "data/*.csv"])).manifest.inputs
        #expect(inputs.map(\.name) == ["data/a.csv", "data/b.csv", "one.txt"])
        #expect(inputs.map(\.text) == ["1", "2", "3"].map { Digest(of: $0.utf8).description })
        let folder = try node(task(inputs: ["data"])).manifest
        try space.write("data/c.csv", "")
        #expect(try node(task(inputs: ["data"])).manifest.key != folder.key)
    }

    @Test func anInputNamedTwiceCountsOnce() throws {
        try space.write("a.csv", "1")
        #expect(
            try node(task(inputs: ["*.csv", "a.csv"])).manifest.key == node(task(inputs: ["a.csv"])).manifest.key)
    }

    @Test func missingInputsAreAllToldWithTheirPlaces() throws {
        try space.write("there", "")
        #expect(
            problems([task(inputs: ["gone", "there", "*.csv"])]) == [
                Diagnostic(at: mark(1, 20), "the input 'gone' does not exist in \(space.folder)"),
                Diagnostic(at: mark(1, 22), "the input '*.csv' matches nothing in \(space.folder)"),
            ])
    }

    @Test func inputsAreRelativeToTheWorkdir() throws {
        try space.write("sub/x", "1")
        var task = task(inputs: ["x"])
        task.workdir = "sub"
        #expect(try node(task).manifest.inputs.map(\.name) == ["x"])
        task.workdir = space.path("sub")
        #expect(try node(task).workdir == space.path("sub"))
    }

    // MARK: Problems

    @Test func everythingThatIsWrongIsToldInTheOrderOfTheFile() throws {
        var first = task(inputs: ["gone"])
        first.needs = [Marked("nobody", at: mark(1, 5))]
        var second = TaskSpec("b")
        second.workdir = "no-such-folder"
        second.secrets = ["TOKEN"]
        let found = problems([first, second])
        #expect(
            found.map(\.message) == [
                "task 'a' needs 'nobody', which is not a task", "the input 'gone' does not exist in \(space.folder)",
                "task 'b': the workdir 'no-such-folder' is not a folder",
            ])
        #expect(found.map(\.mark?.line) == [1, 1, 2])
    }

    @Test func aWorkdirThroughALinkIsTheFolderItLeadsTo() throws {
        space.makeFolder("real")
        try space.link("alias", to: "real")
        var task = TaskSpec("a")
        task.workdir = "alias"
        #expect(try node(task).workdir == space.path("real"))
        #expect(try node(task).manifest.workdir == "real")
    }
}
