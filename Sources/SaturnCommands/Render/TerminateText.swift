import SaturnCore
import SaturnEngine

/// What `terminate` has done.
///
/// ```
/// lr-sweep: stopped 2 running tasks (lr-0.5, lr-0.7); 14 not started; nothing is left running
/// ```
/// Of a run that no saturn executed, also what had ended on an engine meanwhile:
/// ```
/// lr-sweep: 3 tasks that had ended are kept; 1 task was lost (lr-0.6); stopped 1 running task (lr-0.5); nothing is left running
/// ```
struct TerminateText {
    let view: RunView
    let left: [Survivor]
    let ended: Execution.Ended
    let drained: Bool

    init(_ view: RunView, _ left: [Survivor], ended: Execution.Ended, drained: Bool) {
        self.view = view
        self.left = left
        self.ended = ended
        self.drained = drained
    }

    func render() -> String {
        let stopped = view.tasks.filter { $0.state == .terminated }.map(\.name)
        let names = stopped.isEmpty ? "" : " (\(ReasonText.list(stopped)))"
        let what = drained ? "drained" : "stopped \(counted(stopped.count, "running task"))\(names)"
        var parts: [String] = []
        if ended.kept > 0 {
            parts.append("\(counted(ended.kept, "task")) that had ended \(ended.kept == 1 ? "is" : "are") kept")
        }
        if !ended.lost.isEmpty {
            parts.append(
                "\(counted(ended.lost.count, "task")) \(ended.lost.count == 1 ? "was" : "were") lost (\(ReasonText.list(ended.lost)))"
            )
        }
        parts.append(what)
        if view.count(.skipped) > 0 { parts.append("\(view.count(.skipped)) not started") }
        if !left.isEmpty { parts.append("killed \(counted(left.count, "process")) that had outlived it") }
        parts.append("nothing is left running")
        return "\(Printable.text(view.record.name)): \(parts.joined(separator: "; "))\n"
    }
}
