import SaturnCore
import SaturnEngine

/// What `terminate` has done.
///
/// ```
/// lr-sweep: stopped 2 running tasks (lr-0.5, lr-0.7); 14 not started; nothing is left running
/// ```
/// Of a run that no saturn executed, also what had ended on an engine meanwhile:
/// ```
/// lr-sweep: 3 tasks that had ended are kept; stopped 1 running task (lr-0.5); nothing is left running
/// ```
struct TerminateText {
    let view: RunView
    let left: [Survivor]
    /// Tasks that had ended.
    let taken: Int
    let drained: Bool

    init(_ view: RunView, _ left: [Survivor], taken: Int, drained: Bool) {
        self.view = view
        self.left = left
        self.taken = taken
        self.drained = drained
    }

    func render() -> String {
        let stopped = view.tasks.filter { $0.state == .terminated }.map(\.name)
        let names = stopped.isEmpty ? "" : " (\(ReasonText.list(stopped)))"
        let what = drained ? "drained" : "stopped \(counted(stopped.count, "running task"))\(names)"
        var parts =
            taken > 0 ? ["\(counted(taken, "task")) that had ended \(taken == 1 ? "is" : "are") kept", what] : [what]
        if view.count(.skipped) > 0 { parts.append("\(view.count(.skipped)) not started") }
        if !left.isEmpty { parts.append("killed \(counted(left.count, "process")) that had outlived it") }
        parts.append("nothing is left running")
        return "\(Printable.text(view.record.name)): \(parts.joined(separator: "; "))\n"
    }
}
