import Glibc
import SaturnCore
import SaturnTesting
import Testing

/// The pipe through which a task with secrets writes its log.
@Suite("Multiprocessing: masked logs", .timeLimit(.minutes(25)))
struct MaskingTests {
    let bench: Bench
    let secrets = [Variable("TOKEN", "hunter2")]

    init() async throws {
        bench = try await Bench(.multiprocessing)
    }

    @Test func closedOutput() async throws {
        let text = "echo $TOKEN; exec >&- 2>&-; echo > up; read x < gate; exit 3"
        let (up, gate) = (try Signpost(bench.space, "up"), try Signpost(bench.space, "gate"))
        let attempt = bench.launch("a", .shell(text), secrets: secrets)
        _ = try await up.read()
        try gate.write("go\n")
        #expect(try await bench.exit(of: attempt) == .code(3))
        #expect(try bench.log("a") == "***\n")
    }

    @Test func followedWhileItRuns() async throws {
        let (up, gate) = (try Signpost(bench.space, "up"), try Signpost(bench.space, "gate"))
        let attempt = bench.launch(
            "a", .shell("echo first $TOKEN; echo > up; read x < gate; echo last"), secrets: secrets)
        _ = try await up.read()
        // The next word comes through the same thread, after what it had to copy before.
        #expect(try await bench.run("b", .shell("true")) == .code(0))
        #expect(try bench.log("a") == "first ***\n")
        try gate.write("go\n")
        #expect(try await bench.exit(of: attempt) == .code(0))
        #expect(try bench.log("a") == "first ***\nlast\n")
    }

    @Test func outputHeldByWhatIsInTheBackground() async throws {
        let text = "(while :; do sleep 1000; done) & setsid sleep 1000 & echo $TOKEN"
        #expect(try await bench.run("a", .shell(text), secrets: secrets) == .code(0))
        #expect(try bench.log("a") == "***\n")
    }

    @Test func cancelledInTheMiddleOfALine() async throws {
        let up = try Signpost(bench.space, "up")
        let attempt = bench.launch("a", .shell("printf 'to $TOKEN: %s' hunt; echo > up; sleep 1000"), secrets: secrets)
        _ = try await up.read()
        bench.executor.cancel(attempt, force: true)
        #expect(try await bench.exit(of: attempt) == .signal(SIGKILL))
        #expect(try bench.log("a") == "to $TOKEN: hunt")
    }

    @Test func noDescriptorsButItsOwn() async throws {
        #expect(try await bench.run("a", .shell("ls /proc/self/fd"), secrets: secrets) == .code(0))
        #expect(try bench.log("a") == "0\n1\n2\n3\n", "3 is the folder that ls lists")
    }

    @Test func whatCannotStartSaysSo() async throws {
        let exit = try await bench.run("a", .shell("no-such-program"), secrets: secrets)
        #expect(exit == .notStarted("cannot execute 'no-such-program': command not found", code: 127))
        #expect(try bench.log("a") == "saturn: cannot execute 'no-such-program': command not found\n")
    }

    /// In a process of its own, which has no other descriptors that come and go.
    @Test func noDescriptorsAreLeft() async {
        await #expect(processExitsWith: .success) {
            let bench = try await Bench(.multiprocessing)
            let secrets = [Variable("TOKEN", "hunter2")]
            #expect(try await bench.run("first", .shell("true"), secrets: secrets) == .code(0))
            // Of the kinds that a task needs; those of the test's own come and go.
            let list = "find /proc/\(getpid())/fd -type l -printf '%l\\n' | grep -e '^pipe:' -e pidfd -e /log | sort"
            let before = try bench.space.run(["/bin/sh", "-c", list]).stdout
            for number in 0..<20 {
                for text in ["echo hi", "no-such-program", "sleep 1000 & true"] {
                    _ = try await bench.run("t\(number)", .shell(text), secrets: secrets)
                }
            }
            let after = try bench.space.run(["/bin/sh", "-c", list]).stdout
            #expect(after == before, "\(before)\(after)")
        }
    }
}
