/// The rules for names that become folders: of tasks and of runs.
public enum TaskName {
    /// What is wrong with `name`, as a clause, or `nil`.
    public static func problem(with name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.count > 200 { return "is longer than 200 bytes" }
        if name == "." || name == ".." || name.lowercased() == ".saturn" { return "is reserved" }
        if name.utf8.contains(UInt8(ascii: "/")) { return "contains '/'" }
        // Most names are printable ASCII, and a run may have a million of them.
        if name.utf8.allSatisfy({ (32..<127).contains($0) }) { return nil }
        if name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "contains a control character"
        }
        return nil
    }

    /// The name as part of a variable's name: every character outside A–Z, 0–9 becomes `_`.
    public static func variable(_ name: String) -> String {
        String(
            decoding: name.utf8.lazy.filter { $0 & 0xC0 != 0x80 }.map { byte -> UInt8 in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
    }
}
