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
    static func interrupted(_ view: RunView, _ state: StateFolder) -> String {
        let name = Printable.text(view.record.name)
        let reasons = LogTail.lines(of: state.supervisorLog(of: view.record.name)).filter {
            $0.hasPrefix("saturn: error")
        }
        return reasons.map { "\(name): \($0)\n" }.joined()
            + "\(name) was interrupted: going on with \(counted(view.unfinished.count, "unfinished task"))\n"
    }
}
