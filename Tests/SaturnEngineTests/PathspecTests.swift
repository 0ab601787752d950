import SaturnCore
import SaturnEngine
import SaturnGit
import SaturnTesting
import Testing

/// `code: [lib, "!lib/notes"]`, with the real git.
@Suite struct PathspecTests {
    private let project: Project
    private var space: TestSpace { project.space }

    init() throws {
        project = try Project(git: GitCodeSource())
        for name in ["train.py", "lib/model.py", "lib/notes/todo.md", "exp/[1]/a.py", "exp/1/b.py", "run.yaml"] {
            try space.write(name, "\(name)\n")
        }
        try space.git("init", "--quiet")
        try space.git("add", ".")
        try space.git("commit", "--quiet", "--message", "begin")
    }

    private func task(_ pathspecs: String..., workdir: String? = nil, command: String = "true") -> TaskSpec {
        var task = TaskSpec("a", command)
        task.code = .paths(pathspecs.enumerated().map { Marked($1, at: SourceMark(line: 1, column: 20 + $0)) })
        task.workdir = workdir
        return task
    }

    private func code(_ task: TaskSpec) throws -> [Manifest.Value] {
        try #require(try project.compile([task]).graph.nodes.first).manifest.code
    }

    private func problems(_ tasks: TaskSpec...) -> [Diagnostic] { project.problems(tasks) }

    private func mark(_ column: Int) -> SourceMark { SourceMark(line: 1, column: column) }

    @Test func theSameFilesGiveTheSameKeyHoweverTheyAreWritten() throws {
        let wanted = try code(task("lib", "!lib/notes"))
        #expect(wanted.map(\.name) == ["tree"])
        #expect(try wanted[0].text != space.git("rev-parse", "HEAD^{tree}"))
        for same in [
            task("!lib/notes", "lib"), task("lib/model.py"), task("lib/*.py", "lib/*.py"), task("./lib/../lib/m*"),
            task(space.path("lib"), "!" + space.path("lib/notes/")), task("../lib/model.py", workdir: "exp"),
            task("!train.py", "!exp", "!*.md"),
        ] { #expect(try code(same) == wanted, "\(same.code)") }
        #expect(try code(task("lib")) != wanted)
        #expect(try code(task("../..", workdir: "exp/1")) == code(TaskSpec("a")))
    }

    @Test func theFolderThatTheyAreRelativeToIsNoPattern() throws {
        #expect(try code(task("a.py", workdir: "exp/[1]")) == code(task("exp/\\[1\\]/a.py")))
        #expect(try code(task("*", workdir: "exp/[1]")) == code(task("exp/\\[1\\]/a.py")))
        #expect(try code(task(".", workdir: "exp/[1]")) == code(task("exp/[[]1]/a.py")))
        try space.write("!odd/x", "1\n")
        try space.git("add", ".")
        #expect(try code(task("./!odd")) == code(task("*odd*")))
    }

    @Test func editsAndCommitsOfThem() throws {
        let before = try code(task("lib"))
        try space.write("train.py", "other\n")
        #expect(try code(task("lib")) == before)
        try space.write("lib/model.py", "other\n")
        let edited = try code(task("lib"))
        #expect(edited != before)
        try space.git("commit", "--quiet", "--all", "--message", "other")
        #expect(try code(task("lib")) == edited)
    }

    @Test func theWholeIsWhereItWasMade() throws {
        try space.write("train.py", "other\n")
        let node = try #require(try project.compile([task("lib")]).graph.nodes.first)
        #expect(node.provenance == Provenance(commit: try space.git("rev-parse", "HEAD"), dirty: true))
    }

    @Test func aScriptThatIsNotTrackedCountsBesideThem() throws {
        try space.write("new.py", "1\n")
        #expect(try code(task("lib", command: "python new.py")).map(\.name) == ["tree", "new.py"])
        #expect(try code(task("lib", command: "python train.py")).map(\.name) == ["tree"])
    }

    // MARK: Mistakes

    @Test func whatCoversNothingIsTold() throws {
        try space.write("new/x.py", "1\n")
        try space.write("fresh.py", "1\n")
        let message = { (text: String) in "'\(text)' covers no tracked file in \(space.folder)" }
        let untracked = "git does not track it: git add it, or list it under inputs"
        #expect(
            problems(task("lib", "nothing", "new", "!gone", "fr*", "run.yaml")) == [
                Diagnostic(at: mark(21), message("nothing")), Diagnostic(at: mark(22), message("new"), hint: untracked),
                Diagnostic(at: mark(23), message("!gone")), Diagnostic(at: mark(24), message("fr*"), hint: untracked),
                Diagnostic(at: mark(25), message("run.yaml"), hint: "the run file and the results are never code"),
            ])
    }

    @Test func aMistakeOfManyTasksIsToldOnce() throws {
        #expect(problems(task("no"), task("no"), task("no")).count == 1)
    }

    @Test func whatLeadsOutOfTheRepositoryIsTold() {
        #expect(
            problems(task("lib", "../lib", "/etc")) == [
                Diagnostic(at: mark(21), "'../lib' leads out of the repository \(space.folder)"),
                Diagnostic(at: mark(22), "'/etc' leads out of the repository \(space.folder)"),
            ])
    }

    @Test func outsideGitThereIsNothingToChooseFrom() throws {
        space.remove(".git")
        #expect(
            problems(task("lib")) == [
                Diagnostic(
                    at: mark(20), "paths under 'code' need git, and \(space.folder) is in no repository",
                    hint: "list the files under inputs")
            ])
    }

    // MARK: Looking

    @Test func oneLookServesAllTasksWithTheSamePathspecs() throws {
        let project = try Project()
        project.code.set("whole", at: project.space.folder)
        project.code.narrow(["!lib/notes", "lib"], to: "narrow", at: project.space.folder)
        let tasks = [task("lib", "!lib/notes"), task("!lib/notes", "lib"), TaskSpec("c"), TaskSpec("d")]
        let graph = try project.compile(
            tasks.enumerated().map { index, task in
                var task = task
                task.name = "\(index)"
                return task
            }
        ).graph
        #expect(graph.nodes.map { $0.manifest.code[0].text } == ["narrow", "narrow", "whole", "whole"])
        #expect(project.code.exclusions(at: project.space.folder).count == 2)
    }

    @Test func uncommittedFilesOfTheTasksThatAreSelected() throws {
        var none = TaskSpec("none")
        none.code = .none
        let compilation = try project.compile([task("lib"), none])
        #expect(try compilation.uncommitted(among: nil).isEmpty)
        try space.write("train.py", "other\n")
        try space.write("run.yaml", "other\n")
        let found = try compilation.uncommitted(among: [0])
        #expect(found.map(\.root) == [space.folder] && found.map(\.files) == [["run.yaml", "train.py"]])
        #expect(try compilation.uncommitted(among: [1]).isEmpty)
    }

    // MARK: Notes

    @Test func untrackedFilesThatDoNotCountAreTold() throws {
        #expect(try project.compile([TaskSpec("a")]).notes.isEmpty)
        try space.write("lib/new.py", "1\n")
        #expect(
            try project.compile([TaskSpec("a")]).notes == [
                "untracked and not counted: lib/new.py; git add it, or list it under inputs"
            ])
        for name in ["data/x", "notes.txt", "script.py", "zz", "results/x", ".saturn/y"] {
            try space.write(name, "1\n")
        }
        var reader = TaskSpec("a", "python script.py")
        reader.inputs = [Marked("data/*", at: mark(1)), Marked("./lib/../zz", at: mark(1))]
        #expect(
            try project.compile([reader]).notes == [
                "not tracked by git: script.py counts by content",
                "untracked and not counted: lib/new.py, notes.txt; git add them, or list them under inputs",
            ])
        #expect(
            try project.compile([TaskSpec("a")]).notes == [
                "untracked and not counted: data/, lib/new.py, notes.txt and 2 more; git add them, "
                    + "or list them under inputs"
            ])
        #expect(try project.compile([task("lib")]).notes.map { $0.contains("notes.txt") } == [false])
        var free = TaskSpec("free")
        free.code = .none
        #expect(try project.compile([free]).notes.isEmpty)
    }
}
