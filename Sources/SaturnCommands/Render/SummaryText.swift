import SaturnCore

/// How a run ended, in a few lines.
///
/// ```
/// lr-sweep: 3 succeeded, 1 failed (8.1 s)
/// failed: lr-0.7 (exit code 1)
/// results: /tmp/results
/// ```
struct SummaryText {
    let view: RunView
    private let style = Style.out

    init(_ view: RunView) {
        self.view = view
    }

    private static let words: [(TaskState, String)] = [
        (.succeeded, "succeeded"), (.reused, "up to date"), (.restored, "restored"), (.failed, "failed"),
        (.blocked, "blocked"), (.terminated, "terminated"), (.running, "running"), (.skipped, "not started"),
        (.waiting, "waiting"), (.excluded, "left out"),
    ]

    func counts() -> String {
        let parts = Self.words.compactMap { state, word in
            let count = view.count(state) + (state == .waiting ? view.count(.ready) : 0)
            return count > 0 ? "\(count) \(word)" : nil
        }
        return parts.isEmpty ? "no tasks" : parts.joined(separator: ", ")
    }

    /// Of a run that found all its tasks up to date, after so many seconds.
    static func upToDate(_ run: String, _ count: Int, _ duration: Double, _ location: String) -> String {
        "\(Printable.text(run)): \(count) up to date (\(Duration.text(duration)))\n"
            + "results: \(Printable.text(location))\n"
    }

    /// - Parameter duration: seconds, when it just ended.
    func render(duration: Double? = nil) -> String {
        let time = duration.map { " (\(Duration.text($0)))" } ?? ""
        var text = "\(Printable.text(view.record.name)): \(counts())\(time)\n"
        let failed = view.tasks.filter { $0.state == .failed }
        for task in failed.prefix(20) {
            let note = task.note.map { " (\(Printable.text($0)))" } ?? ""
            text += "\(style.red("failed")): \(Printable.text(task.name))\(note)\n"
        }
        if failed.count > 20 { text += "and \(failed.count - 20) more failed\n" }
        return text + "results: \(Printable.text(view.record.location))\n"
    }
}
