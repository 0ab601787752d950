import Testing

/// `saturn logs` of several tasks: printing, following and searching.
@Suite(.ownThread) struct LogsTests {
    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: look
            defaults: {code: none}
            tasks:
              - {name: train-1, command: "echo one; echo loss=nan; printf 'no end'"}
              - {name: train-20, retries: 2, command: "echo try $SATURN_ATTEMPT; test $SATURN_ATTEMPT = 3"}
              - {name: "é bad", command: "printf 'Value\\\\033Error: \\\\377\\\\n'; echo end; exit 3"}
              - {name: after, needs: ["é bad"], command: echo never}

            """)
        #expect(try session.saturn("run").status == 1)
        return session
    }

    @Test func ofSeveralTasks() throws {
        let session = try makeSession()
        let train = try session.saturn("logs", "train-*")
        #expect(train.out == "train-1  | one\ntrain-1  | loss=nan\ntrain-1  | no end\ntrain-20 | try 3\n")
        #expect(train.err == "" && train.status == 0)
        #expect(try session.saturn("logs", "train-1").out == "one\nloss=nan\nno end", "one alone comes as it is")
        let failed = try session.saturn("logs", "--failed")
        #expect(failed.rawOut == Array("Value\u{1B}Error: ".utf8) + [0xFF] + Array("\nend\n".utf8))
        let none = try session.saturn("logs", "--failed", "train-*")
        #expect(none.out == "" && none.err == "saturn: none of these tasks has failed\n" && none.status == 0)
        let all = try session.saturn("logs", "*", "--tail", "1")
        #expect(all.out == "train-1  | no end\ntrain-20 | try 3\né bad    | end\n")
        #expect(all.err == "saturn: 1 of 4 tasks has no log\n")
        let unknown = try session.saturn("logs", "tain-*")
        #expect(unknown.status == 2 && unknown.err.hasPrefix("saturn: error: run 'look' has no task 'tain-*'\n"))
        #expect(try session.shell("saturn logs 'train-*' | true").err == "", "a reader that goes is no error")
    }

    @Test func ofAnAttempt() throws {
        let session = try makeSession()
        for number in 1...3 {
            #expect(try session.saturn("logs", "train-20", "--attempt", "\(number)").out == "try \(number)\n")
        }
        let none = try session.saturn("logs", "train-20", "--attempt", "4")
        #expect(none.status == 2)
        #expect(none.err == "saturn: error: task 'train-20' has no attempt 4\n  hint: there are 1, 2 and 3\n")
        let one = try session.saturn("logs", "train-1", "--attempt", "2")
        #expect(one.err == "saturn: error: task 'train-1' has no attempt 2\n  hint: it has had only one\n")
        #expect(try session.saturn("logs", "--grep", "try", "--attempt", "1").out == "train-20:1:try 1\n")
    }

    @Test func searching() throws {
        let session = try makeSession()
        let found = try session.saturn("logs", "--grep", #"loss=\S+|Error|^e"#)
        #expect(found.status == 0 && found.err == "")
        #expect(
            found.rawOut == Array("train-1:2:loss=nan\né bad:1:Value\u{1B}Error: ".utf8) + [0xFF]
                + Array("\né bad:2:end\n".utf8))
        #expect(try session.saturn("logs", "--failed", "-i", "--grep", "ERROR", "-l").out == "é bad\n")
        let nothing = try session.saturn("logs", "--grep", "never")
        #expect(nothing.status == 1 && nothing.out == "" && nothing.err == "")
        let wrong = try session.saturn("logs", "--grep", "a(b")
        #expect(wrong.status == 2)
        #expect(
            wrong.err == "--grep:1:4: error: missing closing parenthesis\n  1 | a(b\n    |    ^\n", "\(wrong.err)")
        let terminal = try Terminal()
        try session.saturn(
            "logs", "--failed", "--grep", "Err|d", env: ["TERM": "xterm", "NO_COLOR": ""], stdout: terminal.device)
        #expect(
            try terminal.text() == """
                \u{1B}[35mé bad\u{1B}[0m:\u{1B}[32m1\u{1B}[0m:Value\\x1b\u{1B}[1;31mErr\u{1B}[0mor: \u{FFFD}\r
                \u{1B}[35mé bad\u{1B}[0m:\u{1B}[32m2\u{1B}[0m:en\u{1B}[1;31md\u{1B}[0m\r

                """)
    }

    @Test func tooManySteps() throws {
        let session = try Session()
        try session.write(
            "run.yaml", "{name: x, tasks: [{name: a, command: \"printf '%060d' 0\"}, {name: b, command: echo 1}]}")
        #expect(try session.saturn("run").status == 0)
        let search = try session.saturn("logs", "--grep", "(0+0+)+[1-9]")
        #expect(search.status == 2 && search.out == "")
        #expect(search.err.hasPrefix("saturn: error: the expression takes too many steps in the log of 'a'\n"))
    }

    /// Lines that come in pieces, a task that begins later, and one that begins anew.
    @Test func following() throws {
        let session = try Session()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        session.environment["HERE"] = here.path
        session.environment["GO"] = go.path
        try session.write(
            "run.yaml",
            """
            name: live
            defaults: {code: none}
            executor: {class_spec: MultiprocessingExecutor, jobs: 2}
            tasks:
              - {name: a, command: "printf par; echo here > $HERE; read line < $GO; echo tial"}
              - {name: b, retries: 1, command: "echo b $SATURN_ATTEMPT; test $SATURN_ATTEMPT = 1 && read line < $GO; test $SATURN_ATTEMPT = 2"}
              - {name: late, needs: [a, b], retries: 1, command: "echo late $SATURN_ATTEMPT; exit 1"}
              - {name: never, needs: [late], command: echo never}

            """)
        let run = try session.background("run")
        #expect(try here.line() == "here")
        let all = try session.background("logs", "-f")
        let late = try session.background("logs", "-f", "late")
        let onlyB = try session.background("logs", "-f", "b", "--tail", "0")
        try all.waitForOutput("b     | b 1\n")
        go.send()
        go.send()
        #expect(try run.ended().status == 1)
        let followed = try all.ended()
        #expect(followed.status == 0)
        #expect(
            followed.out.split(separator: "\n").sorted() == [
                "a     | partial", "b     | b 1", "b     | b 2", "late  | late 1", "late  | late 2",
            ])
        #expect(followed.err == "saturn: b begins anew\nsaturn: late begins anew\nsaturn: 1 of 4 tasks has no log\n")
        #expect(try late.ended().out == "late 1\nlate 2\n")
        #expect(try onlyB.ended().out.hasSuffix("b 2\n"))
    }
}
