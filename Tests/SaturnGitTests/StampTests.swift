import Glibc
import SaturnCore
import Testing

@Suite struct StampTests {
    private func stamps(
        _ repository: TestRepository, _ pathspecs: [String]? = nil
    ) throws -> [String: FileStamp] {
        let opened = try #require(try repository.open())
        return try opened.stamps(in: CodeSelection(excluding: ["own"], pathspecs: pathspecs))
    }

    @Test func selectedFilesThatAreThere() throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "sub/b": "1\n", "own/c": "1\n", "gone": "1\n", "assumed": "1\n"])
        try repository.write("untracked", "1\n")
        try repository.remove("gone")
        try repository.git("update-index", "--assume-unchanged", "assumed")
        #expect(try stamps(repository).keys.sorted() == ["a", "sub/b"])
        #expect(try stamps(repository, ["sub"]).keys.sorted() == ["sub/b"])
        var status = stat()
        #expect(stat(repository.path("a"), &status) == 0)
        let stamp = try #require(try stamps(repository)["a"])
        #expect(stamp.inode == UInt64(status.st_ino) && stamp.size == 2)
        #expect(stamp.modified % 1_000_000_000 == Int64(status.st_mtim.tv_nsec))
    }

    /// It moves with the submodule's commit, and not with files that do not count.
    @Test(arguments: [true, false]) func aSubmodule(_ hasLog: Bool) throws {
        let repository = try TestRepository()
        let source = "\(repository.folder)/source"
        try repository.write("\(source)/s", "1\n")
        try repository.git(["init", "-q", "-b", "main"], in: source)
        for text in ["2\n", "3\n"] {
            try repository.write("\(source)/s", text)
            try repository.git(["add", "-A"], in: source)
            try repository.git(["commit", "-qm", "s"], in: source)
        }
        try repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source, "sub")
        try repository.commit()
        if !hasLog {
            try repository.git(["config", "core.logAllRefUpdates", "false"], in: repository.path("sub"))
            try repository.remove(".git/modules/sub/logs")
        }
        let before = try #require(try stamps(repository)["sub"])
        try repository.write("sub/__pycache__/x", "1\n")
        try repository.write("sub/s", "edited\n")
        #expect(try stamps(repository)["sub"] == before)
        try repository.git(["checkout", "-qf", "HEAD~"], in: repository.path("sub"))
        let elsewhere = try #require(try stamps(repository)["sub"])
        #expect(elsewhere != before)
        try repository.git(["checkout", "-q", "main"], in: repository.path("sub"))
        #expect(try stamps(repository)["sub"] != before)
        try repository.remove("sub")
        #expect(try stamps(repository) == stamps(repository).filter { $0.key == ".gitmodules" })
    }
}
