import Glibc
import SaturnCore
import Testing

/// Damage is an error that says where, never "no repository".
@Suite struct DamageTests {
    private func expectDamage(
        _ repository: TestRepository, _ reason: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(sourceLocation: sourceLocation) {
            try repository.state()
        } throws: { error in
            guard let failure = error as? Failure, failure.kind == .usage else { return false }
            return failure.message.hasPrefix("cannot read the git repository at \(repository.root): ")
                && failure.message.contains(reason)
        }
    }

    private func sample() throws -> TestRepository {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "b": "2\n"])
        return repository
    }

    @Test func headNamesAMissingCommit() throws {
        let repository = try sample()
        try repository.write(".git/refs/heads/main", String(repeating: "1", count: 40) + "\n")
        expectDamage(repository, "object not found")
    }

    @Test func headIsGarbage() throws {
        let repository = try sample()
        try repository.write(".git/HEAD", "garbage\n")
        expectDamage(repository, "HEAD")
    }

    @Test func theBranchIsEmpty() throws {
        let repository = try sample()
        try repository.write(".git/refs/heads/main", "")
        expectDamage(repository, "refs/heads/main")
    }

    @Test(arguments: ["HEAD", "objects", "refs"])
    func aPartIsMissing(_ part: String) throws {
        let repository = try sample()
        try repository.remove(".git/\(part)")
        expectDamage(repository, "HEAD, objects or refs is missing")
    }

    @Test func theIndexIsCorrupt() throws {
        let repository = try sample()
        try repository.write(".git/index", "garbage")
        expectDamage(repository, "index")
    }

    /// Also when it happens under an open handle.
    @Test func theIndexIsCutOff() throws {
        let repository = try sample()
        let handle = try #require(try repository.open())
        _ = try handle.state(excluding: [])
        #expect(truncate(repository.path(".git/index"), 60) == 0)
        expectDamage(repository, "index")
        #expect(throws: Failure.self) { try handle.state(excluding: []) }
    }

    @Test func theTreeIsMissing() throws {
        let repository = try sample()
        let tree = try repository.git("rev-parse", "HEAD^{tree}")
        try repository.remove(".git/objects/\(tree.prefix(2))/\(tree.dropFirst(2))")
        #expect(throws: Failure.self) { try repository.state(excluding: ["a"]) }
    }

    @Test func theGitFileLeadsNowhere() throws {
        let repository = try TestRepository(initialises: false)
        try repository.write(".git", "gitdir: /nonexistent/folder\n")
        expectDamage(repository, "")
    }

    @Test func theConfigurationIsBroken() throws {
        let repository = try sample()
        try repository.write(".git/config", "[core\n")
        expectDamage(repository, "config")
    }

    @Test func longerIdsAreNotUnderstood() throws {
        let repository = try TestRepository("--object-format=sha256")
        expectDamage(repository, "objectformat")
        #expect {
            try repository.state()
        } throws: { error in
            (error as? Failure)?.hint == "only SHA-1 repositories can be read, not SHA-256"
        }
    }
}
