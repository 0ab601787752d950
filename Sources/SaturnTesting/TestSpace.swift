import Glibc

/// A temporary folder of one test's own, removed with everything in it when the test is over.
///
/// ```swift
/// let space = try TestSpace()
/// try space.write("train.py", "print(1)\n")
/// #expect(try space.run(["python3", "train.py"]).stdout == "1\n")
/// ```
/// Names are relative to the folder unless they are absolute.
public final class TestSpace: Sendable {
    /// Absolute, links resolved.
    public let folder: String

    /// - Parameter inMemory: on a disk in memory, where there is one: for tests that write much.
    public init(inMemory: Bool = false) throws {
        let isThere = inMemory && access("/dev/shm", W_OK) == 0
        let parent = isThere ? "/dev/shm" : getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/saturn-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil, let real = realpath(template, nil) else {
            throw ChildProcess.Problem("mkdtemp", errno)
        }
        defer { free(real) }
        folder = String(cString: real)
    }

    deinit { Self.removeTree(folder) }

    public func path(_ name: String) -> String {
        name.isEmpty ? folder : name.hasPrefix("/") ? name : "\(folder)/\(name)"
    }

    // MARK: Files

    /// Writes a file in place, and makes the folders on the way.
    public func write(_ name: String, _ text: String, executable: Bool = false) throws {
        try write(name, Array(text.utf8), executable: executable)
    }

    public func write(_ name: String, _ bytes: [UInt8], executable: Bool = false) throws {
        let path = path(name)
        if let slash = path.lastIndex(of: "/") { makeFolders(String(path[..<slash])) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ChildProcess.Problem("open \(path)", errno) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw ChildProcess.Problem("write \(path)", errno) }
            rest = rest.dropFirst(count)
        }
        try setMode(name, executable ? 0o755 : 0o644)
    }

    public func makeFolder(_ name: String) { makeFolders(path(name)) }

    private func makeFolders(_ path: String) {
        for slash in path.indices.dropFirst() where path[slash] == "/" { mkdir(String(path[..<slash]), 0o755) }
        mkdir(path, 0o755)
    }

    public func read(_ name: String) throws -> String { String(decoding: try readBytes(name), as: UTF8.self) }

    public func readBytes(_ name: String) throws -> [UInt8] {
        let path = path(name)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ChildProcess.Problem("open \(path)", errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw ChildProcess.Problem("read \(path)", errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// Links are not followed.
    public func exists(_ name: String) -> Bool {
        var status = stat()
        return lstat(path(name), &status) == 0
    }

    /// Of a link itself.
    public func inode(_ name: String) throws -> UInt64 {
        var status = stat()
        guard lstat(path(name), &status) == 0 else { throw ChildProcess.Problem("lstat \(path(name))", errno) }
        return UInt64(status.st_ino)
    }

    /// Permission bits, links followed.
    public func mode(_ name: String) throws -> UInt32 {
        var status = stat()
        guard stat(path(name), &status) == 0 else { throw ChildProcess.Problem("stat \(path(name))", errno) }
        return status.st_mode & 0o7777
    }

    public func setMode(_ name: String, _ mode: UInt32) throws {
        guard chmod(path(name), mode) == 0 else { throw ChildProcess.Problem("chmod \(path(name))", errno) }
    }

    /// The names in a folder, sorted; those that begin with a dot too.
    public func list(_ name: String = "") throws -> [String] {
        guard let names = Self.names(in: path(name)) else { throw ChildProcess.Problem("opendir \(path(name))", errno) }
        return names
    }

    public func link(_ name: String, to target: String) throws {
        guard symlink(target, path(name)) == 0 else { throw ChildProcess.Problem("symlink \(path(name))", errno) }
    }

    public func rename(_ name: String, to other: String) throws {
        guard Glibc.rename(path(name), path(other)) == 0 else {
            throw ChildProcess.Problem("rename \(path(name))", errno)
        }
    }

    /// Removes a file or a whole folder; links are removed, not followed.
    public func remove(_ name: String) { Self.removeTree(path(name)) }

    private static func names(in folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func removeTree(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        if status.st_mode & S_IRWXU != S_IRWXU { chmod(path, 0o700) }
        for name in names(in: path) ?? [] { removeTree("\(path)/\(name)") }
        rmdir(path)
    }

    // MARK: Programs

    /// What a program gets: of the caller's environment only where programs are found; no one's configuration.
    public var environment: [String: String] {
        var environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder, "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_TERMINAL_PROMPT": "0",
        ]
        for name in ["PATH", "TMPDIR", "LD_LIBRARY_PATH"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return environment
    }

    /// Runs a program to its end; stdin is empty.
    ///
    /// - Parameters:
    ///   - variables: added to ``environment``.
    ///   - name: the folder that it runs in.
    public func run(
        _ argv: [String], env variables: [String: String] = [:], in name: String = ""
    ) throws -> ChildProcess.Finished {
        try start(argv, env: variables, in: name).wait()
    }

    /// Starts a program and does not wait for it.
    public func start(
        _ argv: [String], env variables: [String: String] = [:], in name: String = ""
    ) throws -> ChildProcess {
        try ChildProcess(argv, environment: environment.merging(variables) { $1 }, folder: path(name))
    }

    /// Runs the real git without anyone's configuration; returns its stdout without the last newline.
    @discardableResult
    public func git(_ arguments: String..., in name: String = "") throws -> String {
        let finished = try run(["git"] + arguments, in: name)
        guard finished.status == 0 else {
            let command = arguments.joined(separator: " ")
            throw ChildProcess.Problem("git \(command) exited with \(finished.status): \(finished.stderr)")
        }
        return String(finished.stdout.hasSuffix("\n") ? finished.stdout.dropLast() : finished.stdout[...])
    }
}
