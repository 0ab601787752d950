import SaturnCore
import SaturnEngine

/// What `terminate` has done.
///
/// ```
/// lr-sweep: stopped 2 running tasks (lr-0.5, lr-0.7); 14 not started; nothing is left running
/// ```
/// Of one on an engine, also what that has lost, and what had ended there while no saturn was looking:
/// ```
/// lr-sweep: 3 tasks that had ended are kept; 1 task was lost (lr-0.6); stopped 1 running task (lr-0.5); nothing is left running
/// ```
struct TerminateText {
    let view: RunView
    let left: [Survivor]
    /// So many tasks had ended.
    let kept: Int
    let drained: Bool

    init(_ view: RunView, _ left: [Survivor], kept: Int, drained: Bool) {
        self.view = view
        self.left = left
        self.kept = kept
        self.drained = drained
    }

    func render() -> String {
        let stopped = view.tasks.filter { $0.state == .terminated }.map(\.name)
        let names = stopped.isEmpty ? "" : " (\(ReasonText.list(stopped)))"
        let what = drained ? "drained" : "stopped \(counted(stopped.count, "running task"))\(names)"
        var parts: [String] = []
        if kept > 0 { parts.append("\(counted(kept, "task")) that had ended \(kept == 1 ? "is" : "are") kept") }
        let lost = view.tasks.filter(\.isLost).map(\.name)
        if !lost.isEmpty {
            let verb = lost.count == 1 ? "was" : "were"
            parts.append("\(counted(lost.count, "task")) \(verb) lost (\(ReasonText.list(lost)))")
        }
        parts.append(what)
        if view.count(.skipped) > 0 { parts.append("\(view.count(.skipped)) not started") }
        if !left.isEmpty { parts.append("killed \(counted(left.count, "process")) that had outlived it") }
        parts.append("nothing is left running")
        return "\(Printable.text(view.record.name)): \(parts.joined(separator: "; "))\n"
    }
}
