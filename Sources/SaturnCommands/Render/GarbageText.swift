import SaturnCore
import SaturnEngine

/// What gc deleted, or would, and what it left.
///
/// ```
/// lr-0.5  superseded 2026-01-02 12:00 UTC  1.2 MB  older than 30d
/// freed 1.2 MB: 1 superseded result
/// kept: 30 superseded results (40 MB), 1 pinned (2.0 MB)
/// other limits: --older-than 7d would free 30 MB, --all 40 MB
/// ```
struct GarbageText {
    let garbage: Garbage
    let isDryRun: Bool

    func render() -> String {
        items() + sum() + runs() + kept() + unknown() + alternatives()
    }

    // MARK: What goes

    private func items() -> String {
        let items = garbage.going.sorted { ($0.location, name($0), $0.since) < ($1.location, name($1), $1.since) }
        let width = min(60, items.map { name($0).count }.max() ?? 0)
        let isOne = Set(items.map(\.location)).count == 1
        var text = ""
        var location: String?
        for item in items {
            if !isOne, item.location != location { text += "\(Printable.text(item.location)):\n" }
            location = item.location
            let size = ByteText.text(item.size).leftPadded(to: 7, with: " ")
            text += "\(name(item).padded(to: width))  \(when(item))  \(size)  \(reason(item.reason))\n"
        }
        return text
    }

    private func name(_ item: Garbage.Item) -> String {
        item.task.map { Printable.text($0) } ?? "key \(item.key.description.prefix(12))"
    }

    private func when(_ item: Garbage.Item) -> String {
        let verb =
            switch item.reason {
            case .superseded: "superseded"
            case .checkpoint: "checkpoint"
            case .result: "result"
            }
        return "\(verb.padded(to: 10)) \(item.since.description.prefix(16).replacing("T", with: " ")) UTC"
    }

    private func reason(_ reason: Garbage.Reason) -> String {
        switch reason {
        case .superseded(.age(let limit)): "older than \(Self.duration(limit))"
        case .superseded(.count(let limit)): "not among the last \(limit)"
        case .superseded(.size(let limit)): "the attic has more than \(ByteText.text(limit))"
        case .superseded(.all), .checkpoint(.all): "--all"
        case .checkpoint(.age(let limit)): "not changed for \(Self.duration(limit))"
        case .checkpoint(.succeeded): "its task has succeeded"
        case .result: "--results"
        }
    }

    private func sum() -> String {
        guard !garbage.going.isEmpty || garbage.snapshots.count > 0 else { return "nothing to delete\n" }
        let superseded = garbage.going.count { if case .superseded = $0.reason { true } else { false } }
        let results = garbage.going.count { $0.reason == .result }
        let checkpoints = garbage.going.count - superseded - results
        var parts = [(superseded, "superseded result"), (results, "result"), (checkpoints, "checkpoint")]
            .filter { $0.0 > 0 }.map { counted($0.0, $0.1) }
        if garbage.snapshots.count > 0 { parts.append("\(counted(garbage.snapshots.count, "snapshot")) of code") }
        let verb = isDryRun ? "would free" : "freed"
        return "\(verb) \(ByteText.text(garbage.bytes)): \(parts.joined(separator: ", "))\n"
    }

    private func runs() -> String {
        guard !garbage.forgottenRuns.isEmpty else { return "" }
        let names = garbage.forgottenRuns.map { Printable.text($0.name) }.joined(separator: ", ")
        let count = counted(garbage.forgottenRuns.count, "run")
        return "\(isDryRun ? "would forget" : "forgot") \(count) without results: \(names)\n"
    }

    // MARK: What stays

    private func kept() -> String {
        let shares = [
            share(garbage.kept, counted(garbage.kept.count, "superseded result")),
            share(garbage.pinned, "\(garbage.pinned.count) pinned"),
            share(garbage.checkpoints, counted(garbage.checkpoints.count, "checkpoint")),
            garbage.foreign > 0 ? "\(garbage.foreign) of other projects" : nil,
        ].compactMap(\.self)
        return shares.isEmpty ? "" : "kept: \(shares.joined(separator: ", "))\n"
    }

    private func share(_ share: Garbage.Share, _ text: String) -> String? {
        share.count > 0 ? "\(text) (\(ByteText.text(share.bytes)))" : nil
    }

    private func unknown() -> String {
        guard let first = garbage.unknown.first else { return "" }
        let more = garbage.unknown.count > 1 ? " and \(garbage.unknown.count - 1) more" : ""
        return "not saturn's, left alone: \(Printable.text(first))\(more)\n"
    }

    private func alternatives() -> String {
        guard !garbage.alternatives.isEmpty else { return "" }
        let parts = garbage.alternatives.enumerated().map { index, alternative in
            "\(Self.option(alternative.limits))\(index == 0 ? " would free" : "") \(ByteText.text(alternative.bytes))"
        }
        return "other limits: \(parts.joined(separator: ", "))\n"
    }

    private static func option(_ limits: RetentionLimits) -> String {
        if let age = limits.olderThan { return "--older-than \(duration(age))" }
        if let count = limits.keepLast { return "--keep-last \(count)" }
        return "--all"
    }

    /// As the option takes it.
    private static func duration(_ seconds: Double) -> String {
        for (unit, name) in [(86_400.0, "d"), (3600, "h"), (60, "m")] {
            let count = seconds / unit
            if count >= 1, count == count.rounded(), count < 1e9 { return "\(Int(count))\(name)" }
        }
        return seconds == seconds.rounded() && seconds < 1e9 ? "\(Int(seconds))s" : "\(seconds)s"
    }
}
