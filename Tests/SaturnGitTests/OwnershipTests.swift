import Glibc
import SaturnCore
import Testing

@Suite(.enabled(if: geteuid() == 0, "needs root to chown"))
struct OwnershipTests {
    private func foreign() throws -> TestRepository {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n"])
        _ = try Program.run(["chown", "-R", "12345", repository.root], environment: TestRepository.environment)
        return repository
    }

    @Test func aForeignRepositoryIsRefused() throws {
        let repository = try foreign()
        #expect {
            try repository.open()
        } throws: { error in
            error as? Failure
                == Failure(
                    .usage, "git refuses to read \(repository.root): it is owned by another user",
                    hint: "git config --global --add safe.directory \(repository.root)")
        }
    }

    @Test func aForeignGitFolderIsEnough() throws {
        let repository = try foreign()
        chown(repository.root, 0, 0)
        #expect(throws: Failure.self) { try repository.open() }
        chown(repository.path(".git"), 0, 0)
        #expect(try repository.open() != nil)
    }

    @Test func theUserCanDeclareItSafe() async {
        for value in ["exact", "*", "/*", "~/work"] {
            await #expect(processExitsWith: .success) { [value = value as String] in
                try Self.expectOpens(declaredSafeBy: value, opens: true)
            }
        }
        for value in ["other", "revoked"] {
            await #expect(processExitsWith: .success) { [value = value as String] in
                try Self.expectOpens(declaredSafeBy: value, opens: false)
            }
        }
    }

    /// Runs in a process of its own: libgit2 looks for the user's configuration once.
    private static func expectOpens(declaredSafeBy value: String, opens: Bool) throws {
        let repository = try OwnershipTests().foreign()
        let values =
            switch value {
            case "exact": [repository.root]
            case "/*": ["\(repository.folder)/*"]
            case "revoked": [repository.root, ""]
            case "other": ["\(repository.root)/a", repository.folder]
            default: [value]
            }
        let lines = values.map { "    directory = \($0)\n" }.joined()
        try repository.write("\(repository.folder)/.gitconfig", "[safe]\n\(lines)")
        setenv("HOME", repository.folder, 1)
        if opens {
            #expect(try repository.open() != nil)
        } else {
            #expect(throws: Failure.self) { try repository.open() }
        }
    }

    @Test func theRepositoryCannotDeclareItselfSafe() throws {
        let repository = try TestRepository()
        try repository.git("config", "safe.directory", "*")
        _ = try Program.run(["chown", "-R", "12345", repository.root], environment: TestRepository.environment)
        #expect(throws: Failure.self) { try repository.open() }
    }
}
