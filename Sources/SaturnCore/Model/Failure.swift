/// Why a command could not do its work: one sentence, and what to do next.
///
/// `kind` decides the exit code (DESIGN.md section 5); only the commands turn it into one.
public struct Failure: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// Wrong usage, run file or run name.
        case usage
        /// The executor or the results store cannot be used.
        case engine
        /// The ledger is damaged; it can be made again from the results.
        case ledger
        /// One task's folder is not as it was left; the others are not concerned.
        case workspace
        /// The run or its directory is in use, or not saturn's to touch.
        case inUse
        /// A fault of saturn's own.
        case fault
    }

    public var kind: Kind
    public var message: String
    public var hint: String?

    public init(_ kind: Kind, _ message: String, hint: String? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
    }

    /// - Parameter problem: the system's words.
    public static func noThread(_ problem: String) -> Failure {
        Failure(.engine, "cannot start a thread: \(problem)", hint: "see ulimit -u, or end other programs")
    }
}
