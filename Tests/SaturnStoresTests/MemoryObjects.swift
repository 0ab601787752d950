import Glibc
import SaturnCore
import Synchronization

@testable import SaturnStores

/// A bucket in memory, that dies at a request when it is told to: nothing is answered from then on.
final class MemoryObjects: ObjectStorage {
    private struct State {
        var objects: [String: (bytes: [UInt8], modified: Int64)] = [:]
        var requests = 0
        var log: [String] = []
        var diesAt: Int?
        /// Whether the request that it dies at was done: its reply is lost.
        var losesReply = false
        var time: Int64 = 1_000_000
    }

    private let state = Mutex(State())

    struct Gone: Error {}

    var requests: Int { state.withLock { $0.requests } }
    var log: [String] { state.withLock { $0.log } }
    var keys: [String] { state.withLock { $0.objects.keys.sorted() } }

    func dies(at request: Int?, losingReply: Bool = false) {
        state.withLock { state in
            state.diesAt = request.map { state.requests + $0 }
            state.losesReply = losingReply
        }
    }

    func text(_ key: String) -> String? {
        state.withLock { $0.objects[key].map { String(decoding: $0.bytes, as: UTF8.self) } }
    }

    func remove(_ keys: [String]) { state.withLock { state in keys.forEach { state.objects[$0] = nil } } }

    func pass(seconds: Int64) { state.withLock { $0.time += seconds } }

    private func perform<Value>(_ what: String, _ body: (inout State) throws -> sending Value) throws -> Value {
        try state.withLock { state in
            state.requests += 1
            state.log.append(what)
            state.time += 1
            guard let end = state.diesAt, state.requests >= end else { return try body(&state) }
            if state.requests == end, state.losesReply { _ = try body(&state) }
            throw Failure(.engine, "nothing answers")
        }
    }

    func put(_ key: String, _ bytes: [UInt8], type: String) throws {
        try perform("PUT \(key)") { $0.objects[key] = (bytes, $0.time) }
    }

    func put(_ key: String, file descriptor: Int32, offset: Int64, length: Int64, type: String) throws -> Digest {
        var bytes = [UInt8](repeating: 0, count: Int(length))
        let count = pread(descriptor, &bytes, bytes.count, off_t(offset))
        guard count == bytes.count else { throw Failure(.engine, "the file is shorter than \(length)") }
        try put(key, bytes, type: type)
        return Digest(of: bytes)
    }

    func get(_ key: String, limit: Int) throws -> ObjectContent? {
        try perform("GET \(key)") { state in
            state.objects[key].map { ObjectContent(bytes: $0.bytes, modified: $0.modified, now: state.time) }
        }
    }

    func get(_ key: String, into descriptor: Int32, offset: Int64, size: Int64) throws -> ObjectSum? {
        guard let content = try get(key, limit: .max) else { return nil }
        pwrite(descriptor, content.bytes, content.bytes.count, off_t(offset))
        return ObjectSum(size: Int64(content.bytes.count), sha256: Digest(of: content.bytes))
    }

    func list(_ prefix: String, isFlat: Bool) throws -> ObjectListing {
        try perform("LIST \(prefix)") { state in
            var listing = ObjectListing()
            listing.now = state.time
            for (key, object) in state.objects.sorted(by: { $0.key < $1.key }) where key.hasPrefix(prefix) {
                listing.objects.append(
                    ObjectListing.Entry(key: key, size: Int64(object.bytes.count), modified: object.modified))
            }
            return listing
        }
    }

    func copy(_ source: String, to target: String, size: Int64) throws -> Bool {
        try perform("COPY \(source) \(target)") { state in
            guard let object = state.objects[source] else { return false }
            state.objects[target] = (object.bytes, state.time)
            return true
        }
    }

    func abortUploads(_ prefix: String) throws { try perform("UPLOADS \(prefix)") { _ in } }

    func delete(_ keys: [String]) throws {
        guard !keys.isEmpty else { return }
        try perform("DELETE \(keys.joined(separator: " "))") { state in keys.forEach { state.objects[$0] = nil } }
    }
}
