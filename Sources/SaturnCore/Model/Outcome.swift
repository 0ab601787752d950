/// How an attempt ended.
public enum Outcome: Hashable, Sendable {
    case success
    case failure(Cause)
    /// Stopped by the user; not a failure, run again next time.
    case terminated
}

/// Why an attempt failed.
public enum Cause: Hashable, Sendable {
    case exited(Int32)
    case signal(Int32)
    /// Ran longer than its `timeout`, in seconds.
    case timeout(Double)
    /// Could not be started; the code is 126 or 127 as a shell would give.
    case notStarted(String, code: Int32)
    /// It took more memory than it may have: how much that is, in words, where it is known.
    case outOfMemory(String)
    /// The executor lost it.
    case lost(String)
    /// Its result could not be kept: a full disk, a folder removed under it.
    case unpublished(String)

    /// In words: "exit code 1", "signal 9".
    public var text: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signal(let number): "signal \(number)"
        case .timeout(let seconds) where seconds == seconds.rounded(): "timed out after \(Int(seconds)) s"
        case .timeout(let seconds): "timed out after \(seconds) s"
        case .notStarted(let why, _): why
        case .outOfMemory(let limit): limit.isEmpty ? "out of memory" : "out of memory: its limit is \(limit)"
        case .lost(let why): "lost: \(why)"
        case .unpublished(let why): "its result could not be kept: \(why)"
        }
    }

    /// As run files name causes.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// An exit code, or no program that could be started.
        case exit
        case oom, timeout, signal
        /// By no fault of the task's: a worker that died, a result that could not be kept.
        case lost
    }

    public var kind: Kind {
        switch self {
        // How a shell tells that its command was ended by a signal.
        case .exited(129...159): .signal
        case .exited, .notStarted: .exit
        case .signal: .signal
        case .timeout: .timeout
        case .outOfMemory: .oom
        case .lost, .unpublished: .lost
        }
    }

    /// What the file `error` says.
    public var exitCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signal(let number): 128 + number
        case .timeout: 124
        case .notStarted(_, let code): code
        case .outOfMemory: 128 + 9
        case .lost, .unpublished: 125
        }
    }
}
