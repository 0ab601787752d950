import ArgumentParser
import CSystem
import Glibc
import SaturnCore
import SaturnEngine
import SaturnStores

/// `status --watch`: a run's status, shown anew until the run has ended.
///
/// A terminal gets it in place. Whatever else reads it gets a line for each task that is no longer waiting, and one for each
/// change of its state, as far as the ledger tells of it: about once a second.
struct StatusWatch {
    private let run: String
    private let state: StateFolder
    private let clock = SystemClock()
    private var screen = LiveScreen()
    /// By task, in a pipe.
    private var told: [String: TaskState] = [:]
    private var hasBegun = false
    private static let pause: Int32 = 500
    /// So often a run that nobody executes is looked at again: another saturn may be about to go on with it.
    private static let lastLooks = 4

    init(run: String, state: StateFolder) {
        self.run = run
        self.state = state
    }

    /// Returns when the run has ended; throws its exit code when that is not 0.
    ///
    /// - Parameter isTerminal: the signals of ``csystem_block_screen_signals()`` are kept back.
    static func follow(_ run: String, _ state: StateFolder, isTerminal: Bool) throws {
        var watch = StatusWatch(run: run, state: state)
        let view = try isTerminal ? watch.draw() : watch.tell()
        // Nobody reads any more.
        guard let view else { return }
        if let code = view.record.exitCode {
            guard code == 0 else { throw ExitCode(code) }
            return
        }
        throw RunView.unfinished(run)
    }

    // MARK: Looking

    /// What it is now, and whether that will change.
    private func look(_ quiet: inout Int) throws -> (view: RunView, isOver: Bool) {
        // Before reading: what was written until then is read.
        let isFree = state.holder(of: run) == nil
        let view = try RunView.reading(run, state)
        guard isFree else {
            quiet = 0
            return (view, false)
        }
        quiet += 1
        return (view, view.record.state != .running || quiet > Self.lastLooks)
    }

    /// Pauses until the next look, longer where looking takes its time: a large run must not keep the machine busy.
    private func pauses(_ began: Int64) -> Int { 1 + Int((clock.uptime() - began) / 100_000_000) }

    // MARK: On a terminal

    private mutating func draw() throws -> RunView? {
        defer { Output.out(screen.leave()) }
        var quiet = 0
        while true {
            let began = clock.uptime()
            let (view, isOver) = try look(&quiet)
            let workplace = view.store.map { LocalDir(directory: $0.workplace) }
            for _ in 0..<pauses(began) {
                guard show(view, workplace) else { return nil }
                if isOver { return view }
                rest(Self.pause)
            }
        }
    }

    private mutating func show(_ view: RunView, _ workplace: LocalDir?) -> Bool {
        let size = LiveScreen.Size.now
        let lines = StatusScreen(view, at: clock.now(), height: size.rows - 1) { task in
            ((try? workplace?.events(of: .standing(task: task))) ?? nil)?.started
        }.lines()
        // The last column stays free: after it a terminal may or may not have gone to the next line.
        let text = screen.update(lines.map { $0.text(in: size.columns - 1, .out) }, size: size)
        return text.isEmpty || Output.write(text, to: STDOUT_FILENO)
    }

    /// Until it is time, or the terminal has another size. A signal that ends or stops finds the cursor as it was.
    private mutating func rest(_ milliseconds: Int32) {
        switch csystem_wait_screen_signal(milliseconds) {
        case 0, SIGWINCH: return
        case SIGTSTP:
            Output.out(screen.leave())
            raise(SIGSTOP)
        case let signal:
            Output.out(screen.leave())
            csystem_die_of(signal)
        }
    }

    // MARK: Anywhere else

    private mutating func tell() throws -> RunView? {
        var quiet = 0
        while true {
            let began = clock.uptime()
            let (view, isOver) = try look(&quiet)
            guard tell(view) else { return nil }
            if isOver {
                Output.out(SummaryText(view).render())
                return view
            }
            poll(nil, 0, Self.pause * Int32(pauses(began)))
        }
    }

    private mutating func tell(_ view: RunView) -> Bool {
        var text =
            hasBegun ? "" : "\(Printable.text(run)): \(view.state), started \(Dates.short(view.record.started))\n"
        hasBegun = true
        for task in view.tasks {
            let isNew = told.updateValue(task.state, forKey: task.name) != task.state
            guard isNew, task.state != .waiting, task.state != .ready else { continue }
            text += "\(Printable.text(task.name))  \(task.state.rawValue)"
            text += task.note.map { "  \(Printable.text($0))" } ?? ""
            text += "\n"
        }
        return text.isEmpty || Output.write(text, to: STDOUT_FILENO)
    }
}
