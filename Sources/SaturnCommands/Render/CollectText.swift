import ArgumentParser
import SaturnCore
import SaturnEngine

/// What `collect` says of a run.
enum CollectText {
    /// How it ended; throws its exit code when that is not 0.
    static func tell(_ view: RunView, json: Bool) throws {
        Output.out(json ? try RunDocument(view).document() : SummaryText(view).render())
        guard let code = view.record.exitCode else {
            guard view.hasAllResults else { throw ExitCode(1) }
            return
        }
        if code != 0 { throw ExitCode(code) }
    }

    /// With the last words of its supervisor, if it had one and that one had a reason.
    static func interrupted(_ run: Interrupted, _ state: StateFolder) -> String {
        let name = Printable.text(run.record.name)
        let log = state.supervisorLog(of: run.record.name)
        let reasons = LogTail.lines(of: log).filter { $0.hasPrefix("saturn: error") }
        let left = run.open.count - run.finished.count
        return reasons.map { "\(name): \($0)\n" }.joined()
            + "\(name) was interrupted: going on with \(counted(left, "unfinished task"))\n"
    }
}
