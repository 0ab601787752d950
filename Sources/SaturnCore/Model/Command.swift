/// What a task executes.
public enum Command: Hashable, Sendable {
    /// A text that a shell runs: `/bin/sh -ec TEXT`.
    case shell(String, shell: [String])
    /// A program and its arguments, executed without a shell.
    case direct([String])

    /// A failing line fails the task.
    public static let defaultShell = ["/bin/sh", "-ec"]

    /// The whole argument vector, the shell included.
    public var argv: [String] {
        switch self {
        case .shell(let text, let shell): shell + [text]
        case .direct(let argv): argv
        }
    }

    /// What the user wrote, on one line.
    public var text: String {
        switch self {
        case .shell(let text, _): text
        case .direct(let argv): argv.joined(separator: " ")
        }
    }
}
