import ArgumentParser
import Glibc
import SaturnCore
import SaturnEngine

/// Of a run that no saturn executes: what it has left on an engine is ended.
extension Execution {
    /// What has ended there is kept first; nothing is started. Tells how many tasks that were.
    ///
    /// - Parameters:
    ///   - signal: SIGTERM, or SIGUSR1 to wait for what runs.
    ///   - cluster: that goes too, also when it is not the run's own.
    func ending(_ signal: Int32 = SIGTERM, cluster: Bool = false) async throws -> Int {
        var execution = self
        (execution.finishes, execution.isEnding) = (true, true)
        return try await execution.locked { loaded, executor in
            let count = try await execution.end(loaded, executor, signal)
            if let count, !cluster { return count }
            try await Stopping.stop(executor, cluster: cluster)
            return count ?? 0
        }
    }

    /// `nil` when the run has no tasks that may be there.
    private func end(_ loaded: Wiring.Loaded, _ executor: any Executor, _ signal: Int32) async throws -> Int? {
        let (ledger, store) = (try ledger(of: loaded), loaded.compilation.parts.store)
        var interrupted: Interrupted?
        // The ledger may have been lost, or be another one.
        if let record = try ledger.runs().first(where: { $0.name == loaded.run }) {
            let view = try RunView(record, ledger: ledger, folder: nil)
            interrupted = try Interrupted(view, view.left(in: store), store: store, ledger: ledger)
            guard interrupted != nil else { return nil }
        }
        var options = try options(loaded, interrupted)
        options.signal = signal
        let (run, _, _) = try begin(loaded, executor, ledger, interrupted, options: options) { _ in
            Warnings(run: loaded.run)
        }
        let summary = try await run.execute(signals: StopSignals.stream())
        if summary.isHandedOver {
            let name = Printable.text(ShellText.option("--name", loaded.run))
            Output.error("\(Printable.text(loaded.run)): what runs goes on; saturn terminate \(name) stops it\n")
            throw ExitCode(128 + (summary.stoppedBy ?? SIGINT))
        }
        let before = interrupted?.tasks.values.count { $0.isOwnEnd } ?? 0
        return summary.tasks.count { $0.isOwnEnd } - before
    }
}

extension RunView {
    /// Tasks of which something may be on an engine, or that it has yet to say how they ended.
    fileprivate func left(in store: any ResultStore) throws -> [String] {
        guard record.exitCode != nil else { return unfinished }
        return try tasks.filter { $0.state == .skipped || $0.state == .terminated }.map(\.name)
            .filter { try store.unfinished($0) != nil }
    }
}

extension TaskRecord {
    fileprivate var isOwnEnd: Bool { state == .succeeded || state == .failed && !isLost }
    /// What it ran on has lost it.
    var isLost: Bool { state == .failed && note?.hasPrefix(Cause.lost("").text) ?? false }
}

/// Tells only what people should know.
private struct Warnings: RunObserver {
    let run: String

    func observe(_ event: RunEvent) {
        switch event {
        case .warning(let text): Output.error(DiagnosticText(style: .error).warning(text))
        case .draining: Output.error("\(Printable.text(run)): waiting for what runs\n")
        default: break
        }
    }
}
