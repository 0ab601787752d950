import Synchronization

/// What many have to say to one: whoever waits for it gets all that has come together, in order.
///
/// ```swift
/// mailbox.post(.beat)
/// for input in await mailbox.take() { … }
/// ```
/// An `AsyncStream` does the same one by one, and takes longer for it than a run for all that it decides.
final class Mailbox<Letter: Sendable>: Sendable {
    private struct State {
        var letters: [Letter] = []
        var reader: CheckedContinuation<[Letter], Never>?
    }

    private let state = Mutex(State())

    func post(_ letter: Letter) {
        let reader = state.withLock { state in
            guard let reader = state.reader else {
                state.letters.append(letter)
                return nil as CheckedContinuation<[Letter], Never>?
            }
            state.reader = nil
            return reader
        }
        reader?.resume(returning: [letter])
    }

    /// What has come and was not taken.
    func rest() -> [Letter] {
        state.withLock { state in
            defer { state.letters = [] }
            return state.letters
        }
    }

    /// At least one. Only one may wait at a time.
    func take() async -> [Letter] {
        await withCheckedContinuation { continuation in
            let letters = state.withLock { state in
                if state.letters.isEmpty { state.reader = continuation }
                defer { state.letters = [] }
                return state.letters
            }
            if !letters.isEmpty { continuation.resume(returning: letters) }
        }
    }
}
