import SaturnCore
import Synchronization

/// An executor that is only to be stopped, and what it has to say meanwhile.
final class Stopping: Sendable {
    private let said = Mutex<(warnings: [String], failure: Failure?)>(([], nil))

    /// Throws when something did not end.
    ///
    /// - Parameter cluster: that goes too, also when it is not the run's own.
    static func stop(_ executor: any Executor, cluster: Bool = false) async throws {
        let stopping = Stopping()
        try executor.start { stopping.add($0) }
        await cluster ? executor.stopCluster() : executor.stop()
        let (warnings, failure) = stopping.said.withLock { $0 }
        for warning in warnings { Output.error(DiagnosticText(style: .error).warning(warning)) }
        if let failure { throw failure }
    }

    private func add(_ events: [ExecutorEvent]) {
        said.withLock { said in
            for event in events {
                if case .notice(let words) = event { said.warnings.append(words) }
                if case .fatal(let failure) = event { said.failure = said.failure ?? failure }
            }
        }
    }
}
