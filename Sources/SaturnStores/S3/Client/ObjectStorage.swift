import SaturnCore

/// What a bucket does for a store. Keys are whole: with the store's prefix, without the bucket's name, not encoded. Called from
/// any thread; each call returns when it is done, after as many tries as are worth it. Errors are ``Failure``s of kind
/// `engine`, worded for the user.
protocol ObjectStorage: Sendable {
    func put(_ key: String, _ bytes: [UInt8], type: String) throws
    /// Uploads a part of a file, in parts where it is large; `SHA-256` of what was sent.
    func put(_ key: String, file descriptor: Int32, offset: Int64, length: Int64, type: String) throws -> Digest
    /// `nil` when there is no such object.
    func get(_ key: String, limit: Int) throws -> ObjectContent?
    /// Into a file at `offset`; `nil` when there is no such object.
    ///
    /// - Parameter size: what it probably has: large ones are fetched in parts.
    func get(_ key: String, into descriptor: Int32, offset: Int64, size: Int64) throws -> ObjectSum?
    /// All objects below `prefix`, in the order of their keys' bytes. With `isFlat`, keys with a `/` after the prefix
    /// are left out, and what is before that `/` is told once, as a folder.
    func list(_ prefix: String, isFlat: Bool) throws -> ObjectListing
    /// On the server. `false` when there is no such source.
    func copy(_ source: String, to target: String, size: Int64) throws -> Bool
    /// Also of keys that are not there.
    func delete(_ keys: [String]) throws
    /// Gives up what was begun below `prefix` and is no object yet.
    func abortUploads(_ prefix: String) throws
    /// Requests sent so far, each try counted.
    var requests: Int { get }
}

extension ObjectStorage {
    /// By reading all of it; `nil` when there is no such object.
    func sum(of key: String, size: Int64) throws -> ObjectSum? {
        let file = try TemporaryFile("sum")
        defer { file.close() }
        return try get(key, into: file.descriptor, offset: 0, size: size)
    }
}

struct ObjectContent: Hashable, Sendable {
    var bytes: [UInt8]
    /// By the server's clock, seconds since 1970: when it was written, and when it was read.
    var modified: Int64
    var now: Int64
}

struct ObjectSum: Hashable, Sendable {
    var size: Int64
    var sha256: Digest
}

struct ObjectListing: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var key: String
        var size: Int64
        /// By the server's clock, seconds since 1970.
        var modified: Int64
    }

    var objects: [Entry] = []
    /// Their prefixes, with the `/`.
    var folders: [String] = []
    /// By the server's clock, seconds since 1970.
    var now: Int64 = 0
}
