import Glibc
import Testing

/// `saturn status --watch`: on a terminal, in a pipe, to the end of a run and not so far.
@Suite(.ownThread) struct WatchTests {
    /// All that it has got so far, and how that looks.
    private final class Viewer {
        let terminal: Terminal
        private(set) var text = ""

        init(rows: UInt16, columns: UInt16) throws {
            terminal = try Terminal()
            terminal.resize(rows: rows, columns: columns)
        }

        @discardableResult
        func screen() throws -> Screen {
            text += try terminal.text()
            return try Screen(text)
        }

        func wait(for part: String) throws {
            try waitUntil("the terminal shows \(part)") { try screen().text.contains(part) }
        }
    }

    private func watch(_ stage: Stage, _ viewer: Viewer) throws -> RunningProgram {
        try stage.session.background("status", "--watch", env: ["TERM": "xterm"], stdout: viewer.terminal.device)
    }

    @Test func onATerminal() throws {
        let stage = try Stage(["a": "true", "b": Stage.wait + "; exit 3", "c": "true"], jobs: 1)
        let run = try stage.start(waiting: 1).run
        let viewer = try Viewer(rows: 20, columns: 60)
        let watch = try watch(stage, viewer)
        try viewer.wait(for: "  b  running")
        #expect(try viewer.screen().text.contains("  a  succeeded\n"))
        #expect(try !viewer.screen().isCursorShown)
        // Narrower: nothing is wider, and nothing of the old is left.
        viewer.terminal.resize(rows: 20, columns: 24)
        watch.signal(SIGWINCH)
        try waitUntil("it is drawn anew") {
            try viewer.screen().text.split(separator: "\n").allSatisfy { $0.count < 24 }
        }
        #expect(try viewer.screen().text.hasPrefix("stage: running, starte…\n  a  succeeded\n  b  running"))
        stage.release()
        #expect(try run.ended().status == 1)
        #expect(try watch.ended().status == 1, "as the run's")
        let screen = try viewer.screen()
        #expect(screen.isCursorShown)
        let lines = screen.text.split(separator: "\n")
        #expect(lines.count == 6 && lines[0].hasPrefix("stage: failed, started"), "\(screen.text)")
        #expect(
            lines[1...4] == ["  a  succeeded", "  b  failed  exit code…", "  c  succeeded", "2 succeeded, 1 failed"])
    }

    @Test func interrupted() throws {
        let stage = try Stage(["a": Stage.wait], jobs: 1)
        let run = try stage.start(waiting: 1).run
        let viewer = try Viewer(rows: 20, columns: 60)
        let watch = try watch(stage, viewer)
        try viewer.wait(for: "  a  running")
        watch.signal(SIGINT)
        #expect(try watch.ended().status == 130)
        #expect(try viewer.screen().isCursorShown)
        stage.release()
        #expect(try run.ended().status == 0, "that goes on")
    }

    @Test func inAPipe() throws {
        let stage = try Stage(["a": "true", "b": Stage.wait + "; exit 3", "c": Stage.wait], jobs: 2)
        let run = try stage.start(waiting: 2).run
        let watch = try stage.session.background("status", "-w")
        try watch.waitForOutput("b  running\n")
        stage.release(2)
        #expect(try run.ended().status == 1)
        let watched = try watch.ended()
        #expect(watched.status == 1)
        #expect(watched.out.hasPrefix("stage: running, started TIME\n"))
        for line in ["a  succeeded", "b  failed  exit code 3", "c  succeeded"] {
            #expect(watched.out.components(line) == 1, "\(watched.out)")
        }
        let end = "stage: 2 succeeded, 1 failed\nfailed: b (exit code 3)\nresults: ~/results/stage\n"
        #expect(watched.out.hasSuffix(end) && watched.err == "")
        // Nothing changes any more.
        #expect(try stage.session.saturn("status", "--watch").status == 1)
        #expect(try stage.session.saturn("status", "--watch", "--json").status == 2)
    }

    @Test func ofARunThatWasKilled() throws {
        let stage = try Stage(["a": Stage.wait], jobs: 1)
        let (run, pids) = try stage.start(waiting: 1)
        let watch = try stage.session.background("status", "--watch")
        try watch.waitForOutput("a  running\n")
        try stage.kill(run)
        let watched = try watch.ended()
        #expect(watched.status == 3)
        #expect(
            watched.err == """
                saturn: error: run 'stage' has not come to its end
                  hint: saturn collect --name stage finishes it

                """)
        for pid in pids { kill(pid, SIGKILL) }
    }

    /// Ten thousand tasks on a screen of a few lines.
    @Test func ofManyTasks() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            name: many
            defaults: {code: none}
            tasks:
              - {name: bad, command: exit 3}
              - {name: "t-{i}", command: 'true', needs: [bad], sweep: {grid: {i: {range: [1, 10000]}}}}

            """)
        #expect(try session.saturn("run").status == 1)
        let viewer = try Viewer(rows: 10, columns: 80)
        let watch = try session.background("status", "--watch", env: ["TERM": "xterm"], stdout: viewer.terminal.device)
        #expect(try watch.ended().status == 1)
        let lines = try viewer.screen().text.split(separator: "\n")
        #expect(lines.dropFirst().dropLast() == ["1 failed, 10000 blocked", "failed:", "  bad  exit code 3"])
    }
}

extension String {
    /// How often a line is there.
    fileprivate func components(_ line: String) -> Int { split(separator: "\n").count { $0 == line } }
}
