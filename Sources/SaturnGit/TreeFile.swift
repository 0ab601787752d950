/// What a tree has for a path: the mode, and the id of the content.
struct TreeFile: Equatable {
    var mode: UInt32
    var id: ObjectID

    /// As `git ls-tree` writes it: `100644 ce013625…`.
    var text: String {
        let octal = String(mode, radix: 8)
        return "\(octal) \(id)"
    }
}
