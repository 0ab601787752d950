import Crypto
import Dispatch
import SaturnCore
import Synchronization

/// A large object, fetched in parts, of which several are under way; each is tried again alone. What has arrived is hashed
/// while the rest is on its way.
struct RangedDownload: Sendable {
    let bucket: S3Bucket
    let key: String
    let size: Int64
    private static let width = 4

    /// `nil` when there is no such object.
    func fetch(into descriptor: Int32, at offset: Int64) throws -> ObjectSum? {
        let step = S3Bucket.partSize
        let starts = Array(stride(from: Int64(0), to: size, by: Int64.Stride(step)))
        let tag = Mutex<String?>(nil)
        let isMissing = Mutex(false)
        let queue = WorkQueue(width: Self.width)
        let arrivals = starts.map { start in
            let arrival = DispatchGroup()
            queue.submit([], group: arrival) {
                let length = min(step, size - start)
                if try !part(start, length, descriptor, offset, tag) { isMissing.withLock { $0 = true } }
            }
            return arrival
        }
        var hasher = SHA256()
        for (start, arrival) in zip(starts, arrivals) {
            arrival.wait()
            guard queue.failure == nil, !isMissing.withLock({ $0 }) else { break }
            try FilePart(descriptor: descriptor, offset: offset + start, length: min(step, size - start)).read {
                hasher.update(bufferPointer: $0)
            }
        }
        try queue.finish()
        guard !isMissing.withLock({ $0 }) else { return nil }
        return ObjectSum(size: size, sha256: SaturnCore.Digest(hasher.finalize()))
    }

    private func part(
        _ start: Int64, _ length: Int64, _ descriptor: Int32, _ offset: Int64, _ tag: borrowing Mutex<String?>
    ) throws -> Bool {
        var call = S3Bucket.Call(method: "GET", key: key, what: "read \(bucket.name(key))", accepts: [404, 416])
        call.headers = [("range", "bytes=\(start)-\(start + length - 1)")]
        call.sink = .file(descriptor: descriptor, offset: offset + start)
        let response = try bucket.performed(call)
        if response.status == 404 { return false }
        // Some servers say 200 of a part, too: what they sent, this header tells.
        let range = "bytes \(start)-\(start + length - 1)/\(size)"
        guard response.headers["content-range"] == range, response.length == length else { throw changed }
        let found = response.headers["etag"]
        let isSame = tag.withLock { tag in
            if tag == nil { tag = found }
            return tag == found
        }
        guard isSame else { throw changed }
        return true
    }

    private var changed: Failure {
        Failure(.engine, "\(bucket.name(key)) is not of the size that was uploaded, or was replaced meanwhile")
    }
}
