import Glibc
import SaturnCore
import SaturnEngine
import SaturnGit
import SaturnTesting
import Testing

/// Tasks with `snapshot: true`, with the real git.
@Suite(.timeLimit(.minutes(25))) struct SnapshotTests {
    private let project: Project
    private let ledger = MemoryLedger()
    private var space: TestSpace { project.space }

    init() throws {
        project = try Project(git: GitCodeSource())
        for name in ["train.py", "lib/model.py", "run.yaml"] { try space.write(name, "\(name)\n") }
        try space.git("init", "--quiet")
        try space.git("add", ".")
        try space.git("commit", "--quiet", "--message", "begin")
    }

    private func task(_ command: String = "python train.py", inputs: String..., workdir: String? = nil) -> TaskSpec {
        var task = TaskSpec("a", command)
        task.snapshot = true
        task.workdir = workdir
        task.inputs = inputs.enumerated().map { Marked($1, at: SourceMark(line: 1, column: 20 + $0)) }
        return task
    }

    private func problems(_ task: TaskSpec) -> [Diagnostic] { project.problems([task]) }

    private var snapshots: [String] {
        ((try? space.list(".saturn/snapshots")) ?? []).map { "\(space.folder)/.saturn/snapshots/\($0)" }
    }

    /// Where the tasks were told to run.
    private func run(_ tasks: [TaskSpec]) async throws -> [String] {
        let executor = ScriptedExecutor()
        let summary = try await project.run(tasks, with: executor, ledger: ledger)
        #expect(summary.states.allSatisfy { $0 == .succeeded })
        return executor.launches.all.map(\.workdir)
    }

    /// Root can write into it all the same.
    @Test(arguments: ["an edit", "a new file", "a removed file", "no seal"])
    func aCopyThatSomebodyChangedIsMadeAgain(_ change: String) async throws {
        _ = try await run([task()])
        let folder = try #require(snapshots.first)
        try space.setMode(folder, 0o755)
        try space.setMode(folder + "/train.py", 0o644)
        switch change {
        case "an edit": try space.write(folder + "/train.py", "print(0)\n")
        case "a new file": try space.write(folder + "/lib.py", "")
        case "a removed file": space.remove(folder + "/train.py")
        default: space.remove(".saturn/seals")
        }
        #expect(try await run([task("python train.py --again")]) == [folder])
        #expect(try space.read(folder + "/train.py") == "train.py\n")
        #expect(try space.list(folder) == ["lib", "run.yaml", "train.py"])
        #expect(try space.list(".saturn/seals").count == 1)
    }

    /// Python leaves what it made of modules beside them.
    @Test func aCopyWithPythonsCacheIsKept() async throws {
        _ = try await run([task()])
        let folder = try #require(snapshots.first)
        let inode = try space.inode(folder)
        try space.setMode(folder + "/lib", 0o755)
        try space.write(folder + "/lib/__pycache__/model.pyc", "x")
        try space.setMode(folder + "/lib", 0o555)
        #expect(try await run([task("python train.py --again")]) == [folder])
        #expect(try space.inode(folder) == inode)
    }

    @Test func tasksRunFromACopyThatCannotBeWrittenTo() async throws {
        try space.write("lib/model.py", "edited\n")
        try space.write("lib/untracked.py", "1\n")
        var inner = task("cat model.py", workdir: "lib")
        inner.name = "b"
        let workdirs = try await run([task(), inner, TaskSpec("c")])
        let folder = try #require(snapshots.first)
        #expect(workdirs.sorted() == [space.folder, folder, folder + "/lib"].sorted())
        #expect(snapshots.count == 1 && folder.split(separator: "/").last?.count == 40)
        #expect(try space.list(folder) == ["lib", "run.yaml", "train.py"])
        #expect(try space.list(folder + "/lib") == ["model.py"])
        #expect(try space.read(folder + "/lib/model.py") == "edited\n")
        #expect(try ["", "/lib", "/train.py"].map { try space.mode(folder + $0) } == [0o555, 0o555, 0o444])
    }

    @Test func itDoesNotCountAndIsMadeOnlyForWhatRuns() async throws {
        var plain = task()
        plain.snapshot = false
        let compiled = try [task(), plain].map { try project.compile([$0]).graph.nodes[0].manifest.key }
        #expect(compiled[0] == compiled[1])
        _ = try project.plan([task()], ledger: ledger)
        #expect(snapshots.isEmpty)
        #expect(try await run([plain]) == [space.folder])
        #expect(try await project.run([task()], with: ScriptedExecutor(), ledger: ledger).states == [.reused])
        #expect(snapshots.isEmpty)
    }

    @Test func oneServesAllRunsOfTheSameCode() async throws {
        _ = try await run([task()])
        let folder = try #require(snapshots.first)
        let inode = try space.run(["stat", "-c", "%i %Z", folder]).stdout
        _ = try await run([task("python train.py 2")])
        #expect(try space.run(["stat", "-c", "%i %Z", folder]).stdout == inode)
        try space.write("train.py", "edited\n")
        _ = try await run([task()])
        #expect(snapshots.count == 2)
    }

    @Test func anEditWhileTheTaskRunsMakesNoDifference() async throws {
        let space = self.space
        let executor = ScriptedExecutor { _ in
            try? space.write("train.py", "edited\n")
            return .exits(0)
        }
        let observer = RecordingObserver()
        let before = try space.read("train.py")
        let summary = try await project.run([task()], with: executor, ledger: ledger, observer: observer)
        #expect(summary.notReusable.isEmpty && observer.warnings.isEmpty)
        try space.write("train.py", before)
        #expect(try project.plan([task()], ledger: ledger).map { $0?.action } == [.reuse])
    }

    @Test func anEditBetweenThePlanAndTheCopyIsNoticed() async throws {
        for round in 0..<2 {
            // The second time the copy is there, of the code as it was.
            let preparation = try project.prepare([task("python train.py \(round)")], ledger: ledger)
            let before = try space.read("train.py")
            if round == 1 { _ = try await run([task()]) }
            try space.write("train.py", "edited \(round)\n")
            let run = Run(
                preparation, executor: ScriptedExecutor(), state: project.state, observer: RecordingObserver(),
                clock: project.clock, options: Run.Options(host: "box", file: space.path("run.yaml")))
            #expect(
                throws: Failure(
                    .engine, "train.py changed after the plan was made, and before a snapshot was", hint: "run again")
            ) { try run.begin() }
            #expect(snapshots.count == round)
            try space.write("train.py", before)
        }
    }

    // MARK: Inputs

    @Test func whatGitDoesNotTrackIsReachedByLinks() async throws {
        for name in ["data/a.csv", "data/b.csv", "lib/table.csv", "store/c.csv", "mixed/x", "mixed/deep/y", "mixed/z"] {
            try space.write(name, "\(name)\n")
        }
        try space.link("tracked", to: "store")
        try space.link("untracked", to: "store")
        try space.git("add", "mixed/x", "tracked")
        let folder = try await run([
            task(
                inputs: "data/a.csv", "lib/*.csv", "tracked/c.csv", "untracked/c.csv", "mixed", "train.py",
                "/etc/passwd")
        ])[0]
        #expect(try space.list(folder + "/data") == ["a.csv"], "only what was asked for")
        for name in [
            "data/a.csv", "lib/table.csv", "tracked/c.csv", "untracked/c.csv", "mixed/deep/y", "mixed/z", "mixed/x",
        ] {
            #expect(try space.read("\(folder)/\(name)") == space.read(name), "\(name)")
        }
        #expect(
            try space.run(["readlink", "data/a.csv", "mixed/z", "mixed/x"], in: folder).stdout
                == "\(space.path("data/a.csv"))\n\(space.path("mixed/z"))\n")
        #expect(try space.mode(folder + "/data") == 0o555)
        // Other files need another folder: this one is complete.
        let other = try await run([task("python train.py 2", inputs: "data/b.csv")])[0]
        #expect(other != folder && snapshots.count == 2)
        #expect(try space.list(other + "/data") == ["b.csv"])
    }

    @Test func inputsStillCountAndMayChange() async throws {
        try space.write("data/a.csv", "1")
        let space = self.space
        let executor = ScriptedExecutor { _ in
            try? space.write("data/a.csv", "22")
            return .exits(0)
        }
        let summary = try await project.run([task(inputs: "data/a.csv")], with: executor, ledger: ledger)
        #expect(summary.notReusable == [0])
    }

    @Test func aFolderWithoutTrackedFiles() async throws {
        space.makeFolder("work/deep")
        let folder = try await run([task("../../train.py", workdir: "work/deep")])[0]
        #expect(folder.hasSuffix("/work/deep") && folder.hasPrefix(snapshots[0]))
        #expect(space.exists(folder))
    }

    // MARK: Mistakes

    @Test func onlyWhatGitTracksRuns() throws {
        try space.write("new.py", "1\n")
        let mark = SourceMark(line: 1, column: 1)
        #expect(
            problems(task("python new.py")) == [
                Diagnostic(
                    at: mark, "task 'a': a snapshot holds only what git tracks, and not new.py", hint: "git add new.py")
            ])
        #expect(
            problems(task("python \(space.path("train.py"))")) == [
                Diagnostic(
                    at: mark, "task 'a': \(space.path("train.py")) is not the file in the snapshot",
                    hint: "name it relative to the task's folder")
            ])
        #expect(problems(task("echo")).isEmpty)
        space.remove(".git")
        #expect(
            problems(task()) == [
                Diagnostic(
                    at: mark,
                    "task 'a': a snapshot is of what git tracks, and \(space.folder) is in no repository")
            ])
    }

    @Test func anInputBesideTheRepository() throws {
        let inner = space.path("inner")
        try space.write("inner/x.py", "1\n")
        try space.git("init", "--quiet", in: "inner")
        try space.git("add", ".", in: "inner")
        try space.write("beside.csv", "1\n")
        #expect(
            problems(task("python x.py", inputs: "../beside.csv", workdir: inner)) == [
                Diagnostic(
                    at: SourceMark(line: 1, column: 20),
                    "the input '../beside.csv' is outside the repository, and so of no snapshot",
                    hint: "make it absolute")
            ])
    }
}
