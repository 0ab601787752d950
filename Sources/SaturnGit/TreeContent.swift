import CLibGit2

/// The bytes of one tree object: `mode name NUL id` for every entry, which must come in git's order.
struct TreeContent {
    private(set) var bytes: [UInt8] = []

    mutating func append(mode: UInt32, name: some Collection<UInt8>, id: ObjectID) {
        bytes.append(contentsOf: String(mode, radix: 8).utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: name)
        bytes.append(0)
        withUnsafeBytes(of: id.raw.id) { bytes.append(contentsOf: $0) }
    }
}

/// What a tree's entry is, as git writes it.
enum FileMode {
    static let regular: UInt32 = 0o100644
    static let executable: UInt32 = 0o100755
    static let link: UInt32 = 0o120000
    static let submodule: UInt32 = 0o160000
    static let tree: UInt32 = 0o40000
}
