import SaturnCore
import SaturnEngine

/// What `terminate` has done.
///
/// ```
/// lr-sweep: stopped 2 running tasks (lr-0.5, lr-0.7); 14 not started; nothing is left running
/// ```
struct TerminateText {
    let view: RunView
    let left: [Survivor]
    let drained: Bool

    init(_ view: RunView, _ left: [Survivor], drained: Bool) {
        self.view = view
        self.left = left
        self.drained = drained
    }

    func render() -> String {
        let stopped = view.tasks.filter { $0.state == .terminated }.map(\.name)
        let names = stopped.isEmpty ? "" : " (\(ReasonText.list(stopped)))"
        let what = drained ? "drained" : "stopped \(counted(stopped.count, "running task"))\(names)"
        var parts = [what]
        if view.count(.skipped) > 0 { parts.append("\(view.count(.skipped)) not started") }
        if !left.isEmpty { parts.append("killed \(counted(left.count, "process")) that had outlived it") }
        parts.append("nothing is left running")
        return "\(Printable.text(view.record.name)): \(parts.joined(separator: "; "))\n"
    }
}
