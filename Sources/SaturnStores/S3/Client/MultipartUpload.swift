import Crypto
import Dispatch
import SaturnCore
import Synchronization

/// A large object, sent in parts, of which several are under way.
struct MultipartUpload: Sendable {
    let bucket: S3Bucket
    let key: String
    let type: String
    private static let width = 4

    private struct Part: Sendable {
        var number: Int
        var offset: Int64
        var length: Int64
    }

    /// Returns the SHA-256 of all of it.
    func send(_ descriptor: Int32, _ offset: Int64, _ length: Int64) throws -> SaturnCore.Digest {
        // One thread hashes all while the others send: the parts' own sums are for the wire.
        let whole = Mutex<Result<SaturnCore.Digest, any Error>?>(nil)
        let hashing = DispatchGroup()
        DispatchQueue.global().async(group: hashing) {
            let digest = Result { try FilePart(descriptor: descriptor, offset: offset, length: length).digest() }
            whole.withLock { $0 = digest }
        }
        defer { hashing.wait() }
        try sending(parts(length)) { upload, part in
            let file = FilePart(descriptor: descriptor, offset: offset + part.offset, length: part.length)
            var call = S3Bucket.Call(
                method: "PUT", key: key,
                body: .file(descriptor: descriptor, offset: file.offset, length: file.length),
                payload: try file.digest().description, what: "write \(bucket.name(key))")
            call.query = [("partNumber", "\(part.number)"), ("uploadId", upload)]
            return try bucket.performed(call).headers["etag"] ?? ""
        }
        hashing.wait()
        guard let digest = try whole.withLock({ $0 })?.get() else { throw Failure(.fault, "nothing was hashed") }
        return digest
    }

    /// On the server. `false` when there is no such source.
    func copy(_ source: String, _ size: Int64) throws -> Bool {
        try sending(parts(size)) { upload, part in
            var call = S3Bucket.Call(method: "PUT", key: key, what: "copy \(bucket.name(source))")
            call.query = [("partNumber", "\(part.number)"), ("uploadId", upload)]
            call.headers = [
                ("x-amz-copy-source", bucket.copySource(source)),
                ("x-amz-copy-source-range", "bytes=\(part.offset)-\(part.offset + part.length - 1)"),
            ]
            return S3XML(try bucket.performed(call).body).first("ETag") ?? ""
        }
        return true
    }

    /// At most 10,000, of 16 MiB or as large as that takes.
    private func parts(_ length: Int64) -> [Part] {
        let size = max(S3Bucket.partSize, (length + 9_999) / 10_000)
        return stride(from: Int64(0), to: length, by: Int64.Stride(size)).enumerated().map { index, offset in
            Part(number: index + 1, offset: offset, length: min(size, length - offset))
        }
    }

    private func sending(_ parts: [Part], _ send: @escaping @Sendable (String, Part) throws -> String) throws {
        let upload = try begin()
        do {
            let tags = Mutex([String](repeating: "", count: parts.count))
            let queue = WorkQueue(width: Self.width)
            for (index, part) in parts.enumerated() {
                queue.submit([]) {
                    let tag = try send(upload, part)
                    tags.withLock { $0[index] = tag }
                }
            }
            try queue.finish()
            try complete(upload, tags.withLock { $0 }, size: parts.reduce(0) { $0 + $1.length })
        } catch {
            // What is left of it costs money, but no result.
            _ = try? bucket.performed(abort(upload))
            throw error
        }
    }

    private func abort(_ upload: String) -> S3Bucket.Call {
        var call = S3Bucket.Call(method: "DELETE", key: key, what: "give up \(bucket.name(key))", accepts: [404])
        call.query = [("uploadId", upload)]
        return call
    }

    private func begin() throws -> String {
        var call = S3Bucket.Call(method: "POST", key: key, what: "write \(bucket.name(key))")
        call.query = [("uploads", "")]
        call.headers = type.isEmpty ? [] : [("content-type", type)]
        guard let id = S3XML(try bucket.performed(call).body).first("UploadId"), !id.isEmpty else {
            throw Failure(.engine, "cannot write \(bucket.name(key)): \(bucket.endpoint.host) gives no upload id")
        }
        return id
    }

    private func complete(_ upload: String, _ tags: [String], size: Int64) throws {
        let parts = tags.enumerated().map { index, tag in
            "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(S3XML.escaped(tag))</ETag></Part>"
        }
        let body = Array("<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>".utf8)
        var call = S3Bucket.Call(
            method: "POST", key: key, body: .bytes(body), payload: SaturnCore.Digest(of: body).description,
            what: "complete \(bucket.name(key))")
        call.query = [("uploadId", upload)]
        call.headers = [("content-type", "application/xml")]
        do { _ = try bucket.perform(call) } catch let problem as S3Problem {
            // The reply of an earlier try was lost: it is done, and the upload is no more.
            guard problem.status == 404 || problem.status == 500, try isThere(size: size) else {
                throw problem.failure(call.what, bucket.endpoint)
            }
        }
    }

    private func isThere(size: Int64) throws -> Bool {
        let call = S3Bucket.Call(method: "HEAD", key: key, what: "look at \(bucket.name(key))", accepts: [404])
        let response = try bucket.performed(call)
        return response.status == 200 && response.headers["content-length"] == "\(size)"
    }
}
