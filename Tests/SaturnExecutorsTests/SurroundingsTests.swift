import Glibc
import SaturnCore
import SaturnTesting
import Testing

/// What a local task finds around it.
@Suite("Multiprocessing: surroundings", .timeLimit(.minutes(25)))
struct SurroundingsTests {
    let bench: Bench

    init() async throws {
        bench = try await Bench(.multiprocessing)
    }

    @Test func aSessionOfItsOwn() async throws {
        let show =
            "read -r pid name state parent group session terminal rest < /proc/$$/stat; echo $$ $group $session $terminal"
        #expect(try await bench.run("a", .shell(show)) == .code(0))
        let numbers = try bench.log("a").split(whereSeparator: \.isWhitespace).map(String.init)
        try #require(numbers.count == 4)
        #expect(numbers[1] == numbers[0] && numbers[2] == numbers[0])
        #expect(numbers[3] == "0", "it has a terminal")
        #expect(numbers[2] != "\(getsid(0))")
    }

    @Test func noInput() async throws {
        #expect(try await bench.run("a", .shell("readlink /proc/self/fd/0")) == .code(0))
        #expect(try bench.log("a") == "/dev/null\n")
        #expect(try await bench.run("b", .shell("cat")) == .code(0))
    }

    @Test func outputAndErrorsAreOneFileOpenForAppending() async throws {
        #expect(try await bench.run("a", .shell("readlink /proc/self/fd/1 /proc/self/fd/2")) == .code(0))
        let log = bench.workspace("a").log
        #expect(try bench.log("a") == "\(log)\n\(log)\n")
        #expect(try await bench.run("b", .shell("grep flags /proc/self/fdinfo/1")) == .code(0))
        let flags = try #require(Int32(bench.log("b").split(separator: "\t").last?.dropLast() ?? "", radix: 8))
        #expect(flags & O_APPEND != 0)
        #expect(flags & O_NONBLOCK == 0)
    }

    @Test func noDescriptorsButItsOwn() async throws {
        // Inherited by whatever does not close it.
        let open = fcntl(0, F_DUPFD, 50)
        try #require(open >= 50)
        defer { close(open) }
        #expect(try await bench.run("a", .shell("ls /proc/self/fd")) == .code(0))
        #expect(try bench.log("a") == "0\n1\n2\n3\n", "3 is the folder that ls lists")
    }

    @Test func whatAnEnclosingSaturnSetIsNotInherited() async throws {
        let inherited = [
            "PATH=/usr/bin:/bin", "SATURN_TASK=outer", "SATURN_SEED=1", "SATURN_STATE=/x", "RESULTS_DIR=/outer",
            "SATURNALIA=kept", "X_SATURN_Y=kept", "NO_EQUALS",
        ]
        let bench = try await Bench(.multiprocessing, Candidate.Wish(environment: inherited))
        #expect(try await bench.run("a", .shell("env"), env: [Variable("SATURN_SEED", "2")]) == .code(0))
        let lines = try bench.log("a").split(separator: "\n").filter {
            $0.contains("SATURN") || $0.hasPrefix("RESULTS")
        }
        let own = ["SATURN_ATTEMPT_ID=", "SATURN_RESULTS_DIR="]
        let rest = lines.filter { line in !own.contains { line.hasPrefix($0) } }
        #expect(rest.sorted() == ["SATURNALIA=kept", "SATURN_SEED=2", "X_SATURN_Y=kept"])
        #expect(lines.count == rest.count + 2)
    }

    static let (outer, inner) = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")

    @Test(arguments: [
        (["SATURN_ATTEMPT_ID=\(outer)"], outer),
        (["SATURN_ATTEMPT_ID=\(inner)", "SATURN_PARENTS=\(outer)"], "\(outer) \(inner)"),
        (["SATURN_PARENTS=\(outer) \(inner)"], "\(outer) \(inner)"),
        (["SATURN_PARENTS=none \(outer)", "SATURN_ATTEMPT_ID="], outer),
        (["SATURN_ATTEMPT_ID=none", "SATURN_PARENTSx=\(outer)"], nil), ([], nil),
    ])
    func whoseTaskThisSaturnIs(_ inherited: [String], _ parents: String?) async throws {
        let bench = try await Bench(.multiprocessing, Candidate.Wish(environment: ["PATH=/usr/bin:/bin"] + inherited))
        #expect(try await bench.run("a", .shell("env")) == .code(0))
        let lines = try bench.log("a").split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("SATURN_PARENTS") } == (parents.map { ["SATURN_PARENTS=\($0)"] } ?? []))
        #expect(lines.filter { $0.hasPrefix("SATURN_ATTEMPT_ID") }.count == 1)
        #expect(!lines.contains("SATURN_ATTEMPT_ID=\(Self.outer)"))
    }

    @Test func theTasksVariablesReplaceInheritedOnes() async throws {
        let inherited = [
            "PATH=/usr/bin:/bin", "A=1", "B=first", "B=second", "C==x", "D=\u{338}combining", "PWD=/elsewhere",
        ]
        let bench = try await Bench(.multiprocessing, Candidate.Wish(environment: inherited))
        let env = [Variable("A", "2"), Variable("A", "3"), Variable("PWD", "/wrong"), Variable("E", "a=b")]
        let only = "env -u SATURN_RESULTS_DIR -u SATURN_ATTEMPT_ID"
        #expect(try await bench.run("a", .shell(only), env: env) == .code(0))
        let expected = [
            "A=3", "B=first", "C==x", "D=\u{338}combining", "E=a=b", "PATH=/usr/bin:/bin", "PWD=\(bench.space.folder)",
        ]
        #expect(
            try Array(bench.log("a").utf8).split(separator: 10).map { String(decoding: $0, as: UTF8.self) }.sorted()
                == expected)
        #expect(try await bench.run("b", .shell(only), env: [Variable("B", "own"), Variable("D", "own")]) == .code(0))
        let lines = try bench.log("b").split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("B=") } == ["B=own"])
        #expect(lines.filter { $0.hasPrefix("D=") } == ["D=own"])
    }

    /// In a process of its own, because it changes what all threads share.
    @Test func signalsAreAsNew() async throws {
        await #expect(processExitsWith: .success) {
            var all = sigset_t()
            sigfillset(&all)
            for number in [SIGPIPE, SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1] { signal(number, SIG_IGN) }
            pthread_sigmask(SIG_BLOCK, &all, nil)
            let bench = try await Bench(.multiprocessing)
            #expect(
                try await bench.run("a", .direct(["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"])) == .code(0))
            let masks = try bench.log("a").split(separator: "\n").map { UInt64($0.suffix(16), radix: 16) }
            // The C library keeps signals 32 and 33 to itself.
            #expect(masks.map { $0.map { $0 & ~(3 << 31) } } == [0, 0])
        }
    }
}
