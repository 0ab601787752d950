import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger

/// Shows a run that another process executes, by what that one writes into the ledger about once a second.
struct Follower {
    private let run: String
    private let state: StateFolder
    private let holder: LockHolder?
    private var shown: [String: TaskState] = [:]
    private var isDrawn = false
    private let isTerminal = Output.isTerminal(STDERR_FILENO)
    private let style = Style.error

    init(view: RunView, state: StateFolder) {
        run = view.record.name
        self.state = state
        holder = view.holder
        for task in view.tasks where task.state.isSettled { shown[task.name] = task.state }
    }

    /// Returns when the run's lock is free.
    func follow() async throws {
        var follower = self
        let who = holder.map { Printable.text($0.words) } ?? ""
        Output.error("\(Printable.text(run)) is running: \(who); Ctrl-C leaves it running\n")
        var wait: UInt64 = 0
        while state.holder(of: run) != nil {
            // Reading a large plan must not keep the machine busy.
            if wait == 0 {
                let began = SystemClock().uptime()
                follower.show(try RunView.reading(run, state))
                wait = max(5, UInt64((SystemClock().uptime() - began) / 10_000_000))
            }
            wait -= 1
            try await Task.sleep(nanoseconds: 100_000_000)
        }
        follower.show(try RunView.reading(run, state))
        if follower.isDrawn { Output.error("\r\u{1B}[K") }
    }

    private mutating func show(_ view: RunView) {
        var text = isDrawn ? "\r\u{1B}[K" : ""
        let total = view.tasks.count { $0.state != .reused && $0.state != .restored && $0.state != .excluded }
        let settled = view.count(.succeeded, .failed, .terminated, .blocked)
        for task in view.tasks where task.state.isSettled && shown.updateValue(task.state, forKey: task.name) == nil {
            text += line(task, "[\(settled)/\(total)]")
        }
        if isTerminal {
            let failed = view.count(.failed)
            text += "[\(settled)/\(total)]  \(view.count(.running)) running"
            if failed > 0 { text += "  " + style.red("\(failed) failed") }
            isDrawn = true
        }
        if !text.isEmpty { Output.error(text) }
    }

    /// On a terminal the count is enough for what went well.
    private func line(_ task: TaskRecord, _ count: String) -> String {
        let name = Printable.text(task.name)
        let note = task.note.map { ": \(Printable.text($0))" } ?? ""
        switch task.state {
        case .failed: return "\(count) \(name) \(style.red("failed"))\(note)\n"
        case .blocked, .terminated: return "\(count) \(name) \(style.yellow(task.state.rawValue))\(note)\n"
        case .succeeded where !isTerminal: return "\(count) \(name) succeeded\n"
        default: return ""
        }
    }
}
