import Synchronization

/// What has happened so far, and a way to wait for what has not happened yet, without sleeping.
///
/// ```swift
/// try await executor.launched.first { $0 == "train" }
/// #expect(executor.launched.all == ["prepare", "train"])
/// ```
public final class Recording<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var readers: [AsyncStream<Element>.Continuation] = []
    }

    private let state = Mutex(State())

    public init() {}

    public var all: [Element] { state.withLock { $0.elements } }

    public func append(_ element: Element) {
        state.withLock { state in
            state.elements.append(element)
            state.readers.removeAll { reader in
                if case .terminated = reader.yield(element) { true } else { false }
            }
        }
    }

    /// The first that matches, now or later; throws `CancellationError` when the test's time is up before that.
    @discardableResult
    public func first(where isMatch: @Sendable (Element) -> Bool) async throws -> Element {
        let (stream, continuation) = AsyncStream<Element>.makeStream()
        state.withLock { state in
            for element in state.elements { continuation.yield(element) }
            state.readers.append(continuation)
        }
        for await element in stream where isMatch(element) { return element }
        throw CancellationError()
    }
}
