import CLibGit2
import SaturnCore

/// The name of a git object: 20 bytes, written as 40 hexadecimal digits.
struct ObjectID: Equatable, CustomStringConvertible {
    var raw: git_oid

    init(_ raw: git_oid) { self.raw = raw }

    /// The id that git gives to `content`, which is stored nowhere.
    init(ofTree content: [UInt8], at root: String) throws {
        self = try Self(of: content, kind: GIT_OBJECT_TREE, at: root)
    }

    init(ofBlob content: [UInt8], at root: String) throws {
        self = try Self(of: content, kind: GIT_OBJECT_BLOB, at: root)
    }

    private init(of content: [UInt8], kind: git_object_t, at root: String) throws {
        raw = git_oid()
        try LibGit2.check(git_odb_hash(&raw, content, content.count, kind), at: root)
    }

    /// What every git calls a file without content.
    static let emptyBlob: ObjectID = {
        var id = ObjectID(git_oid())
        git_oid_fromstr(&id.raw, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
        return id
    }()

    /// What every git calls a tree without entries.
    static let emptyTree: ObjectID = {
        var id = ObjectID(git_oid())
        git_oid_fromstr(&id.raw, "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
        return id
    }()

    var bytes: [UInt8] { withUnsafeBytes(of: raw.id) { Array($0) } }
    var description: String { Hex.encode(bytes) }

    static func == (left: ObjectID, right: ObjectID) -> Bool {
        withUnsafeBytes(of: left.raw.id) { one in withUnsafeBytes(of: right.raw.id) { one.elementsEqual($0) } }
    }
}
