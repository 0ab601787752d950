import Foundation
import Glibc
import SaturnTesting

/// What a test in this target needs and does not have; the message says what to do.
struct SessionProblem: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A terminal session with the real `saturn`, in a folder of its own, which goes with it.
///
/// ```swift
/// let session = try Session()
/// try session.write("run.yaml", "tasks: [{name: a, command: echo hi}]")
/// let run = try session.saturn("run")
/// #expect(run.status == 0)
/// #expect(run.out == "run: 1 succeeded (T)\nresults: ~/results/run\n")
/// ```
/// Nothing of the caller's environment but `PATH` gets in: `HOME` and `TMPDIR` are folders of the session, there
/// is no `TERM`, and stdin is empty.
final class Session {
    /// Holds everything that the session leaves: the work folder, `home` and `tmp`.
    let space: TestSpace
    /// Where commands run; `~` in shown text.
    let folder: String
    /// Added to every command's environment; an empty value leaves the variable out.
    var environment: [String: String]
    private var started: [RunningProgram] = []

    init() throws {
        space = try TestSpace()
        folder = space.path("work")
        environment = [
            "PATH": space.environment["PATH"] ?? "/usr/bin:/bin", "HOME": space.path("home"),
            "TMPDIR": space.path("tmp"), "NO_COLOR": "1",
        ]
        for name in ["work", "home", "tmp"] { space.makeFolder(name) }
    }

    deinit { for program in started { program.kill() } }

    // MARK: Programs

    /// The program under test.
    static func binary() throws -> String {
        let chosen = getenv("SATURN_BINARY").map { String(cString: $0) }
        let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let path = chosen ?? "/\(package)/.build/debug/saturn"
        guard access(path, X_OK) == 0 else {
            throw SessionProblem(
                "there is no saturn at \(path): build it with `swift build --product saturn`, or set SATURN_BINARY")
        }
        return path
    }

    /// Runs `saturn` to its end.
    @discardableResult
    func saturn(
        _ arguments: String..., in place: String = "", env: [String: String] = [:], stdout: Int32? = nil
    ) throws -> Transcript {
        try start(Self.binary(), arguments, in: place, env: env, stdout: stdout).ended()
    }

    @discardableResult
    func saturn(_ arguments: [String]) throws -> Transcript {
        try start(Self.binary(), arguments, in: "", env: [:], stdout: nil).ended()
    }

    /// Runs `saturn` to its end, and tells the most memory it had at once, in bytes.
    ///
    /// A small process in between counts: what the kernel tells of a child begins with the memory of the process
    /// that spawned it, and this one holds all the tests.
    func measured(_ arguments: String..., stdout: Int32? = nil) throws -> (run: Transcript, peakMemory: Int) {
        let script = """
            import resource, subprocess, sys
            status = subprocess.call(sys.argv[2:])
            with open(sys.argv[1], "w") as file:
                file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
            sys.exit(status)
            """
        let report = space.path("peak")
        let command = ["python3", "-c", script, report, try Self.binary()] + arguments
        // What is worth measuring may take its time.
        let run = try start("/usr/bin/env", command, in: "", env: [:], stdout: stdout).ended(within: 600)
        guard let kilobytes = Int(try space.read("peak")) else { throw SessionProblem("nothing was measured") }
        return (run, kilobytes * 1024)
    }

    /// Starts `saturn`; to be waited for, stopped, looked at while it runs.
    func background(
        _ arguments: String..., in place: String = "", env: [String: String] = [:], stdout: Int32? = nil
    ) throws -> RunningProgram {
        try start(Self.binary(), arguments, in: place, env: env, stdout: stdout)
    }

    /// Starts a shell line that ends in `exec "$0" …`, with which the shell becomes `saturn`.
    func background(shell line: String) throws -> RunningProgram {
        try start("/bin/sh", ["-c", line, Self.binary()], in: "", env: [:])
    }

    /// Runs a shell line, in which `saturn` is the program under test.
    @discardableResult
    func shell(_ line: String, in place: String = "", env: [String: String] = [:]) throws -> Transcript {
        let saturn = "saturn() { '\(try Self.binary())' \"$@\"; }\n"
        return try start("/bin/sh", ["-c", saturn + line], in: place, env: env).ended()
    }

    /// Runs the real git, which must succeed; returns what it wrote, without the last newline.
    @discardableResult
    func git(_ arguments: String..., in place: String = "") throws -> String {
        let result = try space.run(["git"] + arguments, in: path(place))
        guard result.status == 0 else {
            throw SessionProblem("git \(arguments.joined(separator: " ")): \(result.stderr)")
        }
        return result.stdout.hasSuffix("\n") ? String(result.stdout.dropLast()) : result.stdout
    }

    /// A repository in `place` with everything that is there committed.
    func makeRepository(_ place: String = "") throws {
        try git("init", "--quiet", "--initial-branch=main", in: place)
        try git("add", "--all", in: place)
        try git("commit", "--quiet", "--message", "begin", in: place)
    }

    /// Commits what changed of the tracked files.
    func commit(_ message: String, in place: String = "") throws {
        try git("commit", "--quiet", "--all", "--message", message, in: place)
    }

    private func start(
        _ program: String, _ arguments: [String], in place: String, env: [String: String], stdout: Int32? = nil
    ) throws -> RunningProgram {
        let variables = environment.merging(env) { _, new in new }.filter { !$0.value.isEmpty }
        let running = try RunningProgram(
            [program] + arguments, folder: path(place), environment: variables, root: space.folder, stdout: stdout)
        running.home = folder
        started.append(running)
        return running
    }

    // MARK: Files

    /// `name` in the work folder; absolute paths stay.
    func path(_ name: String) -> String {
        name.isEmpty ? folder : name.hasPrefix("/") ? name : "\(folder)/\(name)"
    }

    /// Writes a file, and the folders it is in.
    func write(_ name: String, _ text: String, executable: Bool = false) throws {
        try space.write(path(name), text, executable: executable)
    }

    func write(_ name: String, bytes: [UInt8]) throws { try space.write(path(name), bytes) }

    func append(_ name: String, _ text: String) throws {
        try write(name, bytes: bytes(name) + Array(text.utf8))
    }

    /// Replaces the one occurrence of `old`.
    func replace(_ old: String, _ new: String, in name: String) throws {
        let text = try read(name)
        let parts = text.components(separatedBy: old)
        guard parts.count == 2 else {
            throw SessionProblem("'\(old)' occurs \(parts.count - 1) times in \(name)")
        }
        try write(name, parts.joined(separator: new))
    }

    func read(_ name: String) throws -> String { try space.read(path(name)) }
    func bytes(_ name: String) throws -> [UInt8] { try space.readBytes(path(name)) }
    func makeFolder(_ name: String) { space.makeFolder(path(name)) }
    /// Also of a link that leads nowhere.
    func exists(_ name: String) -> Bool { space.exists(path(name)) }
    func names(_ name: String) throws -> [String] { try space.list(path(name)) }

    /// Fails when there is nothing: a test that removes nothing proves nothing.
    func remove(_ name: String) throws {
        guard exists(name) else { throw SessionProblem("there is no \(name) to remove") }
        space.remove(path(name))
    }

    func inode(_ name: String) throws -> UInt64 {
        try space.inode(path(name))
    }

    /// Everything a command can write to, with what a change would change: what one that must not write is held to.
    func listing() throws -> [String: String] {
        var found: [String: String] = [:]
        for name in ["work", "home", "tmp"] { try list(space.path(name), into: &found) }
        return found
    }

    private func list(_ path: String, into found: inout [String: String]) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SessionProblem("\(path) went away") }
        found[path] =
            "mode \(status.st_mode) size \(status.st_size) inode \(status.st_ino)"
            + " modified \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
            + " changed \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        guard status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try list("\(path)/\(name)", into: &found)
        }
    }
}

/// Whether two listings are the same; else the first few paths that are not.
func difference(_ before: [String: String], _ after: [String: String]) -> [String] {
    Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted().prefix(5).map {
        "\($0): \(before[$0] ?? "not there") → \(after[$0] ?? "gone")"
    }
}
