import Glibc
import SaturnCore
import SaturnGit
import Testing

/// A temporary folder with a git repository `work` in it, driven by the real `git`, which is also the oracle.
///
///     let repository = try TestRepository()
///     try repository.write("a.txt", "one\n")
///     try repository.git("add", ".")
///     try repository.expectOracle()
final class TestRepository {
    /// Links resolved; removed at the end.
    let folder: String
    let root: String

    /// - Parameter initialises: `git init` the folder `work`.
    init(initialises: Bool = true, _ options: String...) throws {
        var template = Array("\(Self.temporaryFolder)/saturn-git-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil, let real = realpath(template, nil) else {
            throw Program.Broken(description: "mkdtemp: \(errno)")
        }
        defer { free(real) }
        folder = String(cString: real)
        root = "\(folder)/work"
        mkdir(root, 0o755)
        if initialises {
            try git(["init", "-q", "-b", "main"] + options)
            // The oracle ignores the user's configuration, libgit2 does not.
            try git("config", "core.autocrlf", "false")
        }
    }

    deinit {
        _ = try? Program.run(["rm", "-rf", folder], environment: Self.environment)
    }

    private static var temporaryFolder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

    static var environment: [String: String] {
        [
            "PATH": getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin", "HOME": "/nonexistent",
            "LC_ALL": "C", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@example.org",
        ]
    }

    // MARK: Doing

    @discardableResult
    func git(_ arguments: String...) throws -> String { try git(arguments) }

    @discardableResult
    func git(
        _ arguments: [String], in other: String? = nil, with variables: [String: String] = [:],
        accepts: Set<Int32> = [0]
    ) throws -> String {
        var output = try Program.run(
            ["git", "-C", other ?? root] + arguments, environment: Self.environment.merging(variables) { $1 },
            accepts: accepts)
        if output.last == "\n" { output.removeLast() }
        return output
    }

    func path(_ name: String) -> String { name.hasPrefix("/") ? name : "\(root)/\(name)" }

    /// Writes in place, and makes the folders on the way.
    func write(_ name: String, _ text: String) throws {
        let path = path(name)
        for slash in path.indices where path[slash] == "/" { mkdir(String(path[..<slash]), 0o755) }
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Program.Broken(description: "open \(path): \(errno)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Program.Broken(description: "write \(path): \(errno)")
        }
    }

    func remove(_ name: String) throws {
        _ = try Program.run(["rm", "-rf", "--", path(name)], environment: Self.environment)
    }

    func link(_ name: String, to target: String) throws {
        guard symlink(target, path(name)) == 0 else { throw Program.Broken(description: "symlink \(name): \(errno)") }
    }

    func commit(_ files: [String: String] = [:]) throws {
        for (name, text) in files { try write(name, text) }
        try git("add", "-A")
        try git("commit", "-q", "--allow-empty", "-m", "x")
    }

    // MARK: Looking

    func open(_ name: String = ".") throws -> (any CodeRepository)? {
        try GitCodeSource().repository(containing: name == "." ? root : path(name))
    }

    /// What a new handle says.
    func state(excluding excluded: [String] = []) throws -> CodeState {
        try #require(try open()).state(excluding: excluded)
    }

    /// What git would commit, computed in a copy of the index and an object folder of its own.
    func oracle(excluding excluded: [String] = []) throws -> CodeState {
        let index = try git("rev-parse", "--path-format=absolute", "--git-path", "index")
        let copy = "\(folder)/index"
        unlink(copy)
        // Times are kept: git must know which files are younger than the index.
        if access(index, F_OK) == 0 { _ = try Program.run(["cp", "-p", index, copy], environment: Self.environment) }
        try git(["add", "-u", ":/"], with: try aside(copy))
        let tree = try tree(ofIndex: copy, without: excluded)
        unlink(copy)
        let commit = try git(["rev-parse", "-q", "--verify", "HEAD"], accepts: [0, 1])
        if !commit.isEmpty { try git(["read-tree", "HEAD"], with: try aside(copy)) }
        let head = try self.tree(ofIndex: copy, without: excluded)
        var state = CodeState(
            tree: tree, provenance: Provenance(commit: commit.isEmpty ? nil : commit, dirty: tree != head))
        state.uncommitted = try changes(from: head, to: tree).map { CodeDetail.File($0.path, $0.new) }
        return state
    }

    /// What git says of two trees that an oracle has named: path, and mode and id before and after.
    func changes(from old: String, to new: String) throws -> [(path: String, old: String?, new: String?)] {
        let index = "\(folder)/index"
        let output = try git(
            ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", old, new], with: try aside(index))
        let parts = output.split(separator: "\0").map(String.init)
        return stride(from: 0, to: parts.count - 1, by: 2).map { position in
            let words = parts[position].dropFirst().split(separator: " ").map(String.init)
            let side = { (mode: Int, id: Int) in words[mode] == "000000" ? nil : "\(words[mode]) \(words[id])" }
            return (parts[position + 1], side(0, 2), side(1, 3))
        }
    }

    /// The tree of those files of the index that git lists for `pathspecs`, `!` before one taking it away.
    func oracle(of pathspecs: [String]) throws -> String {
        let index = "\(folder)/narrowed"
        unlink(index)
        try git("add", "-u", ":/")
        let lines = try git(["ls-files", "-s", "-z", "--"] + pathspecs.map(Self.magic))
        try write("\(folder)/lines", lines)
        let update = "git read-tree --empty && git update-index -z --index-info < \(folder)/lines && git write-tree"
        let environment = Self.environment.merging(try aside(index)) { $1 }
        return try Program.run(["sh", "-c", "cd \(root) && \(update)"], environment: environment)
            .split(separator: "\n").last.map(String.init) ?? ""
    }

    /// As git writes an exclusion.
    static func magic(_ pathspec: String) -> String {
        pathspec.hasPrefix("!") ? ":(exclude)\(pathspec.dropFirst())" : pathspec
    }

    /// What a new handle says is what git says.
    func expectOracle(
        excluding excluded: [String] = [], _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let state = try state(excluding: excluded)
        #expect(try state == oracle(excluding: excluded), comment, sourceLocation: sourceLocation)
    }

    private func tree(ofIndex index: String, without excluded: [String]) throws -> String {
        if !excluded.isEmpty {
            let variables = try aside(index).merging(["GIT_LITERAL_PATHSPECS": "1"]) { $1 }
            let remove = ["rm", "-r", "-f", "-q", "--cached", "--sparse", "--ignore-unmatch", "--"]
            try git(remove + excluded, with: variables)
        }
        return try git(["write-tree"], with: try aside(index))
    }

    private func aside(_ index: String) throws -> [String: String] {
        let objects = try git("rev-parse", "--path-format=absolute", "--git-path", "objects")
        mkdir("\(folder)/objects", 0o755)
        return [
            "GIT_INDEX_FILE": index, "GIT_OBJECT_DIRECTORY": "\(folder)/objects",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        ]
    }
}

extension CodeRepository {
    func state(excluding excluded: [String]) throws -> CodeState {
        try state(of: CodeSelection(excluding: excluded))
    }
}
