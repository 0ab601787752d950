/// A task of a model history: what it says, and what it makes of what it sees.
///
/// Its command is `sh job.sh SALT MOD FILES…`; the script writes the checksum of everything that it sees, modulo `MOD`,
/// so that another input often gives the same output.
public struct ModelJob: Hashable, Sendable {
    public enum Code: Hashable, Sendable {
        case commit, none
        /// `[lib, "!lib/notes"]`
        case lib
    }

    public var name: String
    public var salt: Int
    public var modulus: Int
    /// The variable `V`.
    public var variable: String?
    /// Tracked files and inputs that it reads, in order.
    public var reads: [String] = []
    /// Of these, the ones that git does not track.
    public var inputs: [String] = []
    public var needs: [String] = []
    public var code = Code.commit

    public init(_ name: String, salt: Int, modulus: Int) {
        self.name = name
        self.salt = salt
        self.modulus = modulus
    }

    public var command: String { (["sh job.sh \(salt) \(modulus)"] + reads).joined(separator: " ") }

    /// Its entry in a run file.
    var yaml: String {
        var text = "  - name: \(name)\n    command: \(command)\n"
        if let variable { text += "    env: {V: \"\(variable)\"}\n" }
        if !inputs.isEmpty { text += "    inputs: [\(inputs.joined(separator: ", "))]\n" }
        if !needs.isEmpty { text += "    needs: [\(needs.joined(separator: ", "))]\n" }
        switch code {
        case .commit: break
        case .none: text += "    code: none\n"
        case .lib: text += "    code: [lib, \"!lib/notes\"]\n"
        }
        return text
    }

    /// What `job.sh` does when a shell runs it: appends to the file `RAN`, writes `out`, and fails now and then.
    public static let script = #"""
        salt=$1 modulus=$2
        shift 2
        echo "$SATURN_ATTEMPT_ID $SATURN_TASK" >> "$RAN"
        see() {
            echo "$salt ${V-}"
            cat /dev/null "$@"
            [ -z "${SATURN_NEEDS-}" ] || sort "$SATURN_NEEDS" | while IFS='	' read -r task folder; do
                echo "$task"
                cat "$folder/out"
            done
        }
        sum=$(see "$@" | cksum)
        sum=${sum%% *}
        echo "$((sum % modulus))" > "$RESULTS_DIR/out"
        [ "$((sum % 13))" -ne 0 ]

        """#

    /// The output, and whether the job succeeds, of what it sees: the texts of the files and, by name of the needed
    /// task, of `out`.
    public func work(files: [String], needs: [String: String]) -> (out: String, succeeds: Bool) {
        var seen = "\(salt) \(variable ?? "")\n" + files.joined()
        for (task, out) in needs.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            seen += "\(task)\n\(out)"
        }
        let sum = Self.checksum(Array(seen.utf8))
        return ("\(Int(sum) % modulus)\n", sum % 13 != 0)
    }

    /// As POSIX has it for `cksum`.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0
        func add(_ byte: UInt8) {
            sum ^= UInt32(byte) << 24
            for _ in 0..<8 { sum = sum & 0x8000_0000 == 0 ? sum << 1 : sum << 1 ^ 0x04C1_1DB7 }
        }
        for byte in bytes { add(byte) }
        var length = bytes.count
        while length > 0 {
            add(UInt8(truncatingIfNeeded: length))
            length >>= 8
        }
        return ~sum
    }
}
