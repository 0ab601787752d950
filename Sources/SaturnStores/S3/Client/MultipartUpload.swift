import Crypto
import SaturnCore
import Synchronization

/// A large object, sent in parts, of which several are under way.
///
/// An upload that was cut off is gone on with: parts that the server has already, as their sums tell, are not sent again.
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
        // First of all: the object is to bear it, and that is said when it is begun.
        let digest = try FilePart(descriptor: descriptor, offset: offset, length: length).digest()
        let known = try unfinished(digest.description)
        try sending(parts(length), to: known?.id, sha256: digest.description) { upload, part in
            let file = FilePart(descriptor: descriptor, offset: offset + part.offset, length: part.length)
            if let sent = known?.parts[part.number], sent.size == part.length, try file.md5() == sent.md5 {
                return sent.tag
            }
            var call = S3Bucket.Call(
                method: "PUT", key: key,
                body: .file(descriptor: descriptor, offset: file.offset, length: file.length),
                payload: try file.digest().description, what: "write \(bucket.name(key))")
            call.query = [("partNumber", "\(part.number)"), ("uploadId", upload)]
            guard let tag = try bucket.performed(call).headers["etag"] else {
                throw Failure(.engine, "cannot \(call.what): \(bucket.endpoint.host) gives no ETag of a part")
            }
            return tag
        }
        return digest
    }

    /// On the server. `false` when there is no such source.
    func copy(_ source: String, _ size: Int64) throws -> Bool {
        try sending(parts(size), to: nil, sha256: nil) { upload, part in
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

    private func sending(
        _ parts: [Part], to known: String?, sha256: String?,
        _ send: @escaping @Sendable (String, Part) throws -> String
    ) throws {
        let upload = try known ?? begin(sha256)
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
            bucket.uploads?.forget(key)
        } catch {
            // What is left of it costs money. Where nobody answers, the next upload of the same goes on with it.
            if (try? bucket.abort(UnfinishedUpload(key: key, id: upload), tries: 1)) != nil {
                bucket.uploads?.forget(key)
            }
            throw error
        }
    }

    private func begin(_ sha256: String?) throws -> String {
        var call = S3Bucket.Call(method: "POST", key: key, what: "write \(bucket.name(key))")
        call.query = [("uploads", "")]
        call.headers = type.isEmpty ? [] : [("content-type", type)]
        if let sha256 { call.headers.append(("x-amz-meta-sha256", sha256)) }
        guard let id = S3XML(try bucket.performed(call).body).first("UploadId"), !id.isEmpty else {
            throw Failure(.engine, "cannot write \(bucket.name(key)): \(bucket.endpoint.host) gives no upload id")
        }
        if let sha256 { bucket.uploads?.keep(UploadMemory.Upload(id: id, sha256: sha256), of: key) }
        return id
    }

    // MARK: One that was cut off

    private struct Unfinished: Sendable {
        var id: String
        var parts: [Int: (size: Int64, tag: String, md5: String)] = [:]
    }

    private func unfinished(_ sha256: String) throws -> Unfinished? {
        guard let known = bucket.uploads?.upload(of: key) else { return nil }
        guard known.sha256 == sha256 else {
            try? bucket.abort(UnfinishedUpload(key: key, id: known.id), tries: 1)
            return nil
        }
        var found = Unfinished(id: known.id)
        var marker: String?
        repeat {
            var call = S3Bucket.Call(method: "GET", key: key, what: "list parts of \(bucket.name(key))")
            call.query = [("uploadId", known.id)] + (marker.map { [("part-number-marker", $0)] } ?? [])
            // It may have been given up by others, or be complete.
            guard let response = try? bucket.perform(call) else { return nil }
            let xml = S3XML(response.body)
            for part in xml.all("Part") {
                guard let number = part.first("PartNumber").flatMap({ Int($0) }),
                    let size = part.first("Size").flatMap({ Int64($0) }), let tag = part.first("ETag")
                else { continue }
                found.parts[number] = (size, tag, tag.filter { $0 != "\"" }.lowercased())
            }
            marker = xml.first("IsTruncated") == "true" ? xml.first("NextPartNumberMarker") : nil
        } while marker != nil
        return found
    }

    // MARK: The end

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
