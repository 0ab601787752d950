public import SaturnCore

/// Keeps what a run tells, so that a test can wait for it and compare it.
public struct RecordingObserver: RunObserver {
    public let events = Recording<RunEvent>()

    public init() {}

    public func observe(_ event: RunEvent) { events.append(event) }

    /// Waits until the run knows that a task runs.
    public func started(_ task: Int) async throws {
        try await events.first { if case .started(task) = $0 { true } else { false } }
    }

    /// Waits until a task has come to its end.
    public func settled(_ task: Int) async throws {
        try await events.first { if case .settled(task, _, _) = $0 { true } else { false } }
    }

    public var warnings: [String] {
        events.all.compactMap { if case .warning(let text) = $0 { text } else { nil } }
    }
}
