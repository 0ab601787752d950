import Glibc
import SaturnCore
import Synchronization

/// Shows a run as it goes: one redrawn line on a terminal, a line a task in a pipe. Writes to stderr.
final class Progress: RunObserver {
    private struct State {
        var settled = 0
        var failed = 0
        var running: Set<Int> = []
        /// Those that did not have to run after all, and of which nothing has been said yet.
        var spared: [TaskState: [Int]] = [:]
        var shownFailures = 0
        var last = ""
        /// Text that waits for the next beat, so that ten thousand tasks are not ten thousand writes.
        var pending = ""
        var isDrawn = false
    }

    private static let failuresShown = 10

    private let graph: Graph
    /// Tasks that run, or may have to.
    private let awaited: Set<Int>
    private let isTerminal = Output.isTerminal(STDERR_FILENO)
    private let style = Style.error
    private let state = Mutex(State())

    init(_ graph: Graph, plan: Plan) {
        self.graph = graph
        awaited = Set(
            plan.decisions.indices.filter {
                plan.decisions[$0].map { $0.action != .reuse && $0.action != .restore } ?? false
            })
    }

    func observe(_ event: RunEvent) {
        state.withLock { state in
            switch event {
            case .started(let task):
                state.running.insert(task)
                state.last = graph.nodes[task].name
            case .settled(let task, let taskState, let settled): settle(task, taskState, settled, &state)
            case .retrying(let task, let number, let cause, let delay):
                state.running.remove(task)
                let time = delay > 0 ? " in \(Duration.text(delay))" : ""
                state.pending +=
                    "\(name(task)) failed (\(Printable.text(cause.text))); attempt \(number) follows\(time)\n"
            case .stopping(let signal, let again):
                state.pending +=
                    again
                    ? "saturn: killing what still runs\n"
                    : "saturn: stopping after signal \(signal): \(counted(state.running.count, "running task")) "
                        + "\(state.running.count == 1 ? "is" : "are") asked to end; once more kills\n"
                flush(&state)
            case .draining:
                state.pending += "saturn: draining: \(counted(state.running.count, "running task")) may finish\n"
                flush(&state)
            case .warning(let text): state.pending += DiagnosticText(style: style).warning(text)
            case .beat: flush(&state)
            }
        }
    }

    private func settle(_ task: Int, _ taskState: TaskState, _ settled: Settled, _ state: inout State) {
        state.running.remove(task)
        guard awaited.contains(task) else { return }
        state.settled += 1
        if taskState == .reused || taskState == .restored { return state.spared[taskState, default: []].append(task) }
        tellSpared(&state)
        switch taskState {
        case .failed:
            state.failed += 1
            state.pending += failure(task, settled, full: state.shownFailures < Self.failuresShown)
            state.shownFailures += 1
        case .blocked:
            let culprit = settled.blockedBy.map(name) ?? "a task"
            state.pending += "\(count(state)) \(name(task)) \(style.yellow("blocked")): needs \(culprit)\n"
        case .terminated: state.pending += "\(count(state)) \(name(task)) \(style.yellow("terminated"))\n"
        case .succeeded where !isTerminal:
            state.pending += "\(count(state)) \(name(task)) succeeded (\(Duration.text(settled.duration)))\n"
        default: break
        }
        if state.pending.utf8.count > 1 << 14 { flush(&state) }
    }

    /// Of thousands that need one task all may be spared at once.
    private func tellSpared(_ state: inout State) {
        guard !state.spared.isEmpty else { return }
        for (kind, words) in [(TaskState.reused, "up to date after all"), (.restored, "restored")] {
            guard let tasks = state.spared.removeValue(forKey: kind), !isTerminal else { continue }
            state.pending += "\(count(state)) \(ReasonText.list(tasks.map { graph.nodes[$0].name })) \(words)\n"
        }
    }

    private func count(_ state: State) -> String { "[\(state.settled)/\(awaited.count)]" }
    private func name(_ task: Int) -> String { Printable.text(graph.nodes[task].name) }

    private func failure(_ task: Int, _ settled: Settled, full: Bool) -> String {
        let cause = Printable.text(settled.cause?.text ?? "failed")
        var text = "\(name(task)) \(style.red("failed")): \(cause) (\(Duration.text(settled.duration)))\n"
        // One that never was has none: no image, no place.
        guard let log = settled.log, access(log, F_OK) == 0 else { return text }
        if full { text += LogTail.lines(of: log).map { "  | \($0)\n" }.joined() }
        text += "  log: \(Printable.text(log))\n"
        return text
    }

    private func flush(_ state: inout State) {
        tellSpared(&state)
        var text = state.isDrawn ? "\r\u{1B}[K" : ""
        text += state.pending
        state.pending = ""
        if isTerminal {
            text += line(state)
            state.isDrawn = true
        }
        if !text.isEmpty { Output.error(text) }
    }

    private func line(_ state: State) -> String {
        var parts = ["\(count(state))", "\(state.running.count) running"]
        if state.failed > 0 { parts.append(style.red("\(state.failed) failed")) }
        let plain = "\(count(state)) \(state.running.count) running \(state.failed) failed "
        let room = Output.width(STDERR_FILENO) - plain.count - 8
        let last = Printable.text(state.last)
        if room > 8, !last.isEmpty { parts.append(style.dim(String(last.prefix(room)))) }
        return parts.joined(separator: "  ")
    }

    /// Writes what is left and takes the redrawn line away.
    func finish() {
        state.withLock { state in
            tellSpared(&state)
            Output.error((state.isDrawn ? "\r\u{1B}[K" : "") + state.pending)
            state.pending = ""
            state.isDrawn = false
        }
    }
}

/// Spans of time as people read them.
enum Duration {
    /// `0.4 s`, `12.0 s`, `3 min 20 s`, `2 h 5 min`.
    static func text(_ seconds: Double) -> String {
        let tenths = Int((max(0, seconds) * 10).rounded())
        if tenths < 600 { return "\(tenths / 10).\(tenths % 10) s" }
        let whole = tenths / 10
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
