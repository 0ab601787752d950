import Glibc

/// The caller's environment.
enum Environment {
    /// `NAME=value`, in order.
    static var list: [String] {
        var entries: [String] = []
        var pointer = environ
        while let entry = pointer.pointee {
            entries.append(String(cString: entry))
            pointer += 1
        }
        return entries
    }

    static var dictionary: [String: String] {
        Dictionary(
            list.compactMap { entry in
                entry.firstIndex(of: "=").map { (String(entry[..<$0]), String(entry[entry.index(after: $0)...])) }
            }, uniquingKeysWith: { first, _ in first })
    }
}
