import Glibc

/// Edits a repository at random, the same way for the same seed.
struct RandomHistory {
    private var generator: SplitMix64
    private let repository: TestRepository
    private let names = [
        "a", "b c", "q\"uote", "é", "new\nline", "d/x", "d/y z", "d/sub/deep", "d.txt", "d-z", "d0", "e/f", "-dash",
    ]

    init(seed: UInt64, in repository: TestRepository) {
        generator = SplitMix64(state: seed)
        self.repository = repository
    }

    /// One edit; returns what it was.
    mutating func step() throws -> String {
        let name = names.randomElement(using: &generator) ?? "a"
        let number = Int.random(in: 0..<10, using: &generator)
        switch Int.random(in: 0..<16, using: &generator) {
        case 0...3: return try replace(name, with: "text \(number)\n")
        case 4: return try delete(name)
        case 5: return try toggleExecutable(name)
        case 6: return try replaceByLink(name, to: "target\(number)")
        case 7: return try rename(name, to: names.randomElement(using: &generator) ?? "b c")
        case 8: return try replaceByFolder(name, file: "inner\(number)")
        case 9: return try touch(name)
        case 10: return try git(["add", "-A"])
        case 11: return try git(["add", "-A", "--", name])
        case 12: return try git(["rm", "-r", "-f", "-q", "--cached", "--ignore-unmatch", "--", name])
        case 13: return try git(["add", "-N", "--", name])
        case 14: return try git(["checkout", "-q", "-f", "HEAD"])
        default: return try git(["commit", "-q", "-m", "x"] + (number < 5 ? ["-a"] : []))
        }
    }

    /// Some of the paths, and one that never exists.
    mutating func excluded() -> [String] {
        guard Bool.random(using: &generator) else { return [] }
        let folder = ["d", "d/sub", "e", "never"].randomElement(using: &generator) ?? "d"
        return [names.randomElement(using: &generator) ?? "a", folder]
    }

    private func replace(_ name: String, with text: String) throws -> String {
        try clear(name)
        try repository.write(name, text)
        return "write \(name)"
    }

    private func delete(_ name: String) throws -> String {
        try repository.remove(name)
        return "delete \(name)"
    }

    private func toggleExecutable(_ name: String) throws -> String {
        var status = stat()
        guard lstat(repository.path(name), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return "nothing" }
        chmod(repository.path(name), status.st_mode ^ 0o100)
        return "chmod \(name)"
    }

    private func replaceByLink(_ name: String, to target: String) throws -> String {
        try clear(name)
        try repository.write(name, "")
        try repository.remove(name)
        try repository.link(name, to: target)
        return "link \(name)"
    }

    private func rename(_ name: String, to other: String) throws -> String {
        guard name != other, access(repository.path(name), F_OK) == 0 else { return "nothing" }
        try clear(other)
        try repository.write(other, "")
        try repository.remove(other)
        _ = Glibc.rename(repository.path(name), repository.path(other))
        return "rename \(name) to \(other)"
    }

    private func replaceByFolder(_ name: String, file: String) throws -> String {
        try clear(name)
        try repository.remove(name)
        try repository.write("\(name)/\(file)", "inside\n")
        return "folder \(name)"
    }

    private func touch(_ name: String) throws -> String {
        utimensat(AT_FDCWD, repository.path(name), nil, AT_SYMLINK_NOFOLLOW)
        return "touch \(name)"
    }

    private func git(_ arguments: [String]) throws -> String {
        // Some fail by nature: nothing to commit, no such path.
        try repository.git(arguments, accepts: [0, 1, 128])
        return "git \(arguments.joined(separator: " "))"
    }

    /// Makes room at `name`: a file or a link on the way to it goes, and so does a folder in its place.
    private func clear(_ name: String) throws {
        var parent = ""
        for part in name.split(separator: "/").dropLast() {
            parent += parent.isEmpty ? "\(part)" : "/\(part)"
            var status = stat()
            if lstat(repository.path(parent), &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
                try repository.remove(parent)
            }
        }
        var status = stat()
        if lstat(repository.path(name), &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            try repository.remove(name)
        }
    }
}

/// A small generator that is the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
