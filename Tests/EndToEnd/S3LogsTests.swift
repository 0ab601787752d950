import Engines
import Testing

/// `saturn logs` of a run whose results are in S3.
@Suite(.ownThread, .enabled(if: S3Server.missing == nil, Comment(rawValue: S3Server.missing ?? "")))
struct S3LogsTests {
    @Test func ofSeveralTasks() throws {
        let stage = try S3Stage(
            tasks: """
                [{name: a, retries: 2, command: "echo try $SATURN_ATTEMPT; test $SATURN_ATTEMPT = 3"},
                 {name: "b é", command: "seq 1000; printf end; exit 1"}, {name: c, command: "echo 100"}]
                """)
        let session = stage.session
        #expect(try session.saturn("run").status == 1)
        let local = try session.shell("ls .saturn/staging/*/*/log")
        #expect(local.status != 0, "nothing of it is here any more: \(local.out)")
        #expect(try session.saturn("logs", "*", "--tail", "2").out == "a   | try 3\nb é | 1000\nb é | end\nc   | 100\n")
        #expect(try session.saturn("logs", "--failed", "--tail", "1").out == "end")
        #expect(try session.saturn("logs", "a", "--attempt", "2").out == "try 2\n")
        let none = try session.saturn("logs", "a", "--attempt", "4")
        #expect(none.status == 2)
        #expect(none.err == "saturn: error: task 'a' has no attempt 4\n  hint: there are 1, 2 and 3\n")
        let found = try session.saturn("logs", "--grep", "^10*$")
        #expect(found.status == 0)
        #expect(found.out == "b é:1:1\nb é:10:10\nb é:100:100\nb é:1000:1000\nc:1:100\n", "\(found.err)")
        #expect(try session.saturn("logs", "--grep", "try 1", "--attempt", "1").out == "a:1:try 1\n")
        #expect(try session.saturn("logs", "--grep", "never").status == 1)
        #expect(try session.saturn("logs", "-f").out.hasSuffix("b é | end\nc   | 100\n"), "it has ended")
    }
}
