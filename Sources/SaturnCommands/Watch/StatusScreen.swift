import SaturnCore

/// What `status --watch` shows of a run at one moment: all tasks where there is room for them, else the counts, what runs
/// and what has failed last.
///
/// ```
/// sweep: running, started 2026-11-28 21:50:22 UTC, 1 min 20 s
/// 5000 succeeded, 3 failed, 2 running, 4995 waiting
/// running:
///   lr-0.5-s17  12.0 s
///   lr-0.5-s18  3.1 s
/// failed:
///   lr-0.1-s2  exit code 3
///   and 2 more
/// results: /home/ada/results/sweep
/// ```
struct StatusScreen {
    private let view: RunView
    private let now: Timestamp
    private let height: Int
    /// When the running attempt of a task has started, where that is known.
    private let began: (String) -> Timestamp?

    /// - Parameter height: lines that there may be.
    init(_ view: RunView, at now: Timestamp, height: Int, began: @escaping (String) -> Timestamp?) {
        self.view = view
        self.now = now
        self.height = height
        self.began = began
    }

    func lines() -> [ScreenLine] {
        // Beside the first line and the last two.
        let room = height - 3
        let lines =
            view.tasks.count <= room
            ? [head()] + tasks() + [counts(), results()]
            : [head(), counts()] + sections(room) + [results()]
        return Array(lines.prefix(max(1, height)))
    }

    private func head() -> ScreenLine {
        var line = ScreenLine("\(view.record.name): ")
        line.add(view.state, Self.paint(view.state))
        let end = view.holder == nil ? view.record.ended : now
        line.add(", started \(Dates.short(view.record.started))")
        if let end { line.add(", \(elapsed(from: view.record.started, to: end))") }
        if let holder = view.holder { line.add(" (\(holder.words))", .dim) }
        return line
    }

    private func counts() -> ScreenLine { ScreenLine(SummaryText(view).counts()) }
    private func results() -> ScreenLine { ScreenLine("results: \(view.record.location)", .dim) }

    private func elapsed(from start: Timestamp, to end: Timestamp) -> String {
        // Tenths of a second would be another screen each time.
        let seconds = max(0, end.microseconds - start.microseconds) / 1_000_000
        return seconds < 60 ? "\(seconds) s" : Duration.text(Double(seconds))
    }

    private static func paint(_ state: String) -> ScreenLine.Paint {
        switch state {
        case "failed", "interrupted": .red
        case "blocked", "terminated", "stopped": .yellow
        case "succeeded": .green
        default: .plain
        }
    }

    // MARK: Tasks

    private func tasks() -> [ScreenLine] {
        let width = min(60, view.tasks.map { Printable.width(Printable.text($0.name)) }.max() ?? 0)
        return view.tasks.map { task in
            var line = named(task, width)
            line.add(task.state.rawValue, Self.paint(task.state.rawValue))
            if let note = note(task) { line.add("  \(note)") }
            return line
        }
    }

    private func named(_ task: TaskRecord, _ width: Int) -> ScreenLine {
        let space = max(0, width - Printable.width(Printable.text(task.name)))
        return ScreenLine("  \(task.name)\(String(repeating: " ", count: space))  ")
    }

    private func note(_ task: TaskRecord) -> String? {
        guard task.state == .running else { return task.note }
        return began(task.name).map { elapsed(from: $0, to: now) }
    }

    private func sections(_ room: Int) -> [ScreenLine] {
        let running = view.tasks.filter { $0.state == .running }
        let failed = lastFailures()
        // Each gets half, or what the other leaves.
        func wanted(_ tasks: [TaskRecord]) -> Int { tasks.isEmpty ? 0 : tasks.count + 1 }
        let forFailed = min(wanted(failed), max(room / 2, room - wanted(running)))
        return section("running:", running, room - forFailed) + section("failed:", failed, forFailed)
    }

    /// The newest first.
    private func lastFailures() -> [TaskRecord] {
        let failed = view.tasks.filter { $0.state == .failed }
        func end(_ task: TaskRecord) -> Int64 {
            task.attempt.flatMap { view.attempts[$0]?.ended?.microseconds } ?? 0
        }
        return failed.map { ($0, end($0)) }.sorted { $0.1 > $1.1 }.map(\.0)
    }

    private func section(_ title: String, _ tasks: [TaskRecord], _ room: Int) -> [ScreenLine] {
        guard !tasks.isEmpty, room >= 2 else { return [] }
        let shown = tasks.prefix(tasks.count < room ? tasks.count : room - 2)
        let width = min(60, shown.map { Printable.width(Printable.text($0.name)) }.max() ?? 0)
        var lines = [ScreenLine(title)]
        for task in shown {
            var line = named(task, width)
            if let note = note(task) { line.add(note) }
            lines.append(line)
        }
        if shown.count < tasks.count { lines.append(ScreenLine("  and \(tasks.count - shown.count) more")) }
        return lines
    }
}
