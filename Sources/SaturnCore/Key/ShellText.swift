/// What can be told of a shell command without running a shell.
public enum ShellText {
    /// The arguments of a command that needs no shell, or `nil` when it does.
    ///
    /// `python train.py --lr 0.5` is four words; anything quoted, expanded, piped, redirected, assigned or built
    /// into the shell is the shell's to read.
    public static func simpleWords(of text: String) -> [String]? {
        guard text.utf8.allSatisfy(isPlain) else { return nil }
        // By bytes: what Swift takes for one character may be a space and an accent.
        let words = text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.map {
            String(Substring($0))
        }
        guard let first = words.first, !first.utf8.contains(UInt8(ascii: "=")), !builtins.contains(first) else {
            return nil
        }
        return words
    }

    /// One word as a shell reads it back.
    public static func quoted(_ word: String) -> String {
        let isBare = !word.isEmpty && word.utf8.allSatisfy { isPlain($0) && $0 != 32 && $0 != 9 }
        return isBare ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    /// An option with its value, as a shell and the command line read them back.
    public static func option(_ name: String, _ value: String) -> String {
        value.hasPrefix("-") ? "\(name)=\(quoted(value))" : "\(name) \(quoted(value))"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "/"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: "@"),
            UInt8(ascii: "%"), UInt8(ascii: "="):
            true
        default: byte >= 128
        }
    }

    /// Words that a shell does not look up in PATH: reserved words, and the builtins of sh, dash and bash but for
    /// `true` and `false`, whose programs do the same.
    private static let builtins: Set<String> = [
        ".", ":", "alias", "bg", "bind", "break", "builtin", "caller", "case", "cd", "chdir", "command", "compgen",
        "complete", "continue", "coproc", "declare", "dirs", "disown", "do", "done", "echo", "elif", "else", "enable",
        "esac", "eval", "exec", "exit", "export", "fc", "fg", "fi", "for", "function", "getopts", "hash", "help",
        "history", "if", "in", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd",
        "read", "readarray", "readonly", "return", "select", "set", "shift", "shopt", "source", "suspend", "test",
        "then", "time", "times", "trap", "type", "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait",
        "while",
    ]

    /// The words of a command, quotes removed, without redirections and their targets.
    ///
    /// Expansions stay as they are written: such a word names no file.
    public static func words(of text: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        // One in quotes may be empty.
        var hasBegun = false
        var skipsNext = false
        func close() {
            if hasBegun, !skipsNext { words.append(String(decoding: word, as: UTF8.self)) }
            if hasBegun { skipsNext = false }
            word.removeAll(keepingCapacity: true)
            hasBegun = false
        }
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"):
                guard let next = bytes.popFirst(), next != UInt8(ascii: "\n") else { continue }
                word.append(next)
                hasBegun = true
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                word += quoted(byte, &bytes)
                hasBegun = true
            case UInt8(ascii: ">"), UInt8(ascii: "<"):
                // The digits before it are a descriptor's number.
                if word.allSatisfy({ (48...57).contains($0) }) { hasBegun = false }
                close()
                skipsNext = true
            case UInt8(ascii: " "), UInt8(ascii: "\t"): close()
            case UInt8(ascii: "\n"), UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "("),
                UInt8(ascii: ")"):
                // `2>&1`: the ampersand belongs to the redirection.
                if byte == UInt8(ascii: "&"), skipsNext, !hasBegun { continue }
                close()
                skipsNext = false
            default:
                word.append(byte)
                hasBegun = true
            }
        }
        close()
        return words
    }

    private static func quoted(_ quote: UInt8, _ bytes: inout ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        while let byte = bytes.popFirst(), byte != quote {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\""), let next = bytes.first,
                next == quote || next == byte
            {
                text.append(next)
                bytes.removeFirst()
            } else {
                text.append(byte)
            }
        }
        return text
    }
}
