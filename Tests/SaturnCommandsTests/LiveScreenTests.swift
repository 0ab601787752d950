import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnCommands

@Suite("What --watch draws") struct LiveScreenTests {
    private static let size = LiveScreen.Size(rows: 24, columns: 80)

    @Test func drawsOverWhatItHasDrawn() {
        var screen = LiveScreen()
        #expect(screen.leave() == "")
        #expect(screen.update(["one", "two"], size: Self.size) == "\u{1B}[?25lone\u{1B}[K\ntwo\u{1B}[K\n")
        #expect(screen.update(["one", "two"], size: Self.size) == "", "nothing has changed")
        #expect(screen.update(["1"], size: Self.size) == "\u{1B}[?25l\r\u{1B}[2A1\u{1B}[K\n\u{1B}[J")
        #expect(screen.leave() == "\u{1B}[?25h")
        #expect(screen.update(["1"], size: Self.size) == "\u{1B}[?25l1\u{1B}[K\n", "below what came in between")
    }

    @Test func beginsAnewInAnotherSize() {
        var screen = LiveScreen()
        _ = screen.update(["one"], size: Self.size)
        let text = screen.update(["one"], size: LiveScreen.Size(rows: 24, columns: 40))
        #expect(text == "\u{1B}[?25l\u{1B}[H\u{1B}[Jone\u{1B}[K\n")
    }

    @Test func linesAreCut() {
        var line = ScreenLine("name  ")
        line.add("failed", .red)
        line.add("  exit\u{1B} code 3")
        let plain = Style(isColoured: false)
        #expect(line.text(in: 80, plain) == "name  failed  exit\\x1b code 3")
        #expect(line.text(in: 12, plain) == "name  failed")
        #expect(line.text(in: 9, plain) == "name  fa…")
        #expect(line.text(in: 8, Style(isColoured: true)) == "name  \u{1B}[31mf…\u{1B}[0m")
    }

    // MARK: The screen

    private func screen(_ states: [TaskState], height: Int) throws -> [String] {
        let ledger = MemoryLedger()
        var record = RunRecord(
            name: "run", specName: nil, file: "/x/run.yaml", location: "/x/results", state: .failed,
            started: Timestamp(microseconds: 0))
        record.ended = Timestamp(microseconds: 75_000_000)
        let tasks = states.enumerated().map { index, state in
            TaskRecord(name: "t\(index)", index: index, state: state, note: state == .failed ? "exit code 3" : nil)
        }
        let view = try RunView(record, tasks, ledger: ledger, folder: nil)
        let now = Timestamp(microseconds: 80_000_000)
        return StatusScreen(view, at: now, height: height) { _ in Timestamp(microseconds: 70_000_000) }.lines().map {
            $0.text(in: 79, Style(isColoured: false))
        }
    }

    @Test func allTasks() throws {
        let head = "run: failed, started 1970-01-01 00:00:00 UTC, 1 min 15 s"
        #expect(
            try screen([.succeeded, .running, .failed], height: 6) == [
                head, "  t0  succeeded", "  t1  running  10 s", "  t2  failed  exit code 3",
                "1 succeeded, 1 failed, 1 running", "results: /x/results",
            ])
    }

    @Test func whatMattersOfMany() throws {
        let states = Array(repeating: TaskState.failed, count: 30) + Array(repeating: .running, count: 3)
        let lines = try screen(states + Array(repeating: .waiting, count: 9967), height: 12)
        #expect(
            lines[1...] == [
                "30 failed, 3 running, 9967 waiting", "running:", "  t30  10 s", "  t31  10 s", "  t32  10 s",
                "failed:",
                "  t0  exit code 3", "  t1  exit code 3", "  t2  exit code 3", "  and 27 more", "results: /x/results",
            ])
        for height in 1...40 { #expect(try screen(states, height: height).count <= height) }
    }
}
