import Crypto
import Glibc
import SaturnCore

extension S3Bucket {
    /// Up to this size a file is sent in one request.
    static let partSize: Int64 = 16 << 20

    func put(_ key: String, _ bytes: [UInt8], type: String) throws {
        let payload = SaturnCore.Digest(of: bytes).description
        var call = Call(method: "PUT", key: key, body: .bytes(bytes), payload: payload, what: "write \(name(key))")
        call.headers = Self.headers(type, sha256: payload)
        _ = try performed(call)
    }

    private static func headers(_ type: String, sha256: String) -> [(name: String, value: String)] {
        [("content-type", type), ("x-amz-meta-sha256", sha256)]
    }

    func put(
        _ key: String, file descriptor: Int32, offset: Int64, length: Int64, type: String
    ) throws -> SaturnCore.Digest {
        if length > Self.partSize {
            return try MultipartUpload(bucket: self, key: key, type: type).send(descriptor, offset, length)
        }
        let digest = try FilePart(descriptor: descriptor, offset: offset, length: length).digest()
        var call = Call(
            method: "PUT", key: key, body: .file(descriptor: descriptor, offset: offset, length: length),
            payload: digest.description, what: "write \(name(key))")
        call.headers = Self.headers(type, sha256: digest.description)
        _ = try performed(call)
        return digest
    }

    func get(_ key: String, limit: Int) throws -> ObjectContent? {
        var call = Call(method: "GET", key: key, what: "read \(name(key))", accepts: [404])
        call.sink = .memory(limit: limit)
        let response = try performed(call)
        if response.status == 404 { return try missing(response, call) }
        return ObjectContent(
            bytes: response.body, modified: HTTPDate.seconds(response.headers["last-modified"]) ?? 0,
            now: HTTPDate.seconds(response.headers["date"]) ?? now().microseconds / 1_000_000)
    }

    /// A bucket that is not there is more than a missing object.
    private func missing<Value>(_ response: HTTPResponse, _ call: Call) throws -> Value? {
        let problem = S3Problem(response)
        if problem.code == "NoSuchBucket" { throw problem.failure(call.what, endpoint) }
        return nil
    }

    func get(_ key: String, into descriptor: Int32, offset: Int64, size: Int64) throws -> ObjectSum? {
        if size > 2 * Self.partSize {
            return try RangedDownload(bucket: self, key: key, size: size).fetch(into: descriptor, at: offset)
        }
        var hasher = SHA256()
        var call = Call(method: "GET", key: key, what: "read \(name(key))", accepts: [404])
        call.sink = .file(descriptor: descriptor, offset: offset)
        let response = try performed(call)
        if response.status == 404 { return try missing(response, call) }
        try FilePart(descriptor: descriptor, offset: offset, length: response.length).read {
            hasher.update(bufferPointer: $0)
        }
        return ObjectSum(size: response.length, sha256: SaturnCore.Digest(hasher.finalize()))
    }

    func copy(_ source: String, to target: String, size: Int64) throws -> Bool {
        if size > 5_000_000_000 { return try MultipartUpload(bucket: self, key: target, type: "").copy(source, size) }
        var call = Call(method: "PUT", key: target, what: "copy \(name(source))", accepts: [404])
        call.headers = [("x-amz-copy-source", copySource(source))]
        let response = try performed(call)
        guard response.status == 404 else { return true }
        let none: Bool? = try missing(response, call)
        return none ?? false
    }

    func copySource(_ key: String) -> String {
        "/\(endpoint.bucket)/\(S3Encoding.encode(key, keepsSlashes: true))"
    }

    func list(_ prefix: String, isFlat: Bool) throws -> ObjectListing {
        var listing = ObjectListing()
        var token: String?
        repeat {
            var call = Call(method: "GET", key: "", what: "list \(name(prefix))")
            call.query = [("list-type", "2"), ("prefix", prefix), ("max-keys", "1000"), ("encoding-type", "url")]
            if isFlat { call.query.append(("delimiter", "/")) }
            if let token { call.query.append(("continuation-token", token)) }
            let response = try performed(call)
            let xml = S3XML(response.body)
            guard !xml.all("ListBucketResult").isEmpty else {
                throw Failure(.engine, "cannot \(call.what): \(endpoint.host) does not answer as S3 does")
            }
            try add(xml, to: &listing)
            listing.now = HTTPDate.seconds(response.headers["date"]) ?? now().microseconds / 1_000_000
            token = xml.first("IsTruncated") == "true" ? xml.first("NextContinuationToken") : nil
        } while token != nil
        listing.objects.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return listing
    }

    private func add(_ xml: S3XML, to listing: inout ObjectListing) throws {
        let isEncoded = xml.first("EncodingType") == "url"
        let key = { (text: String) in isEncoded ? S3Encoding.decode(text) : text }
        for object in xml.all("Contents") {
            guard let text = object.first("Key"), let size = object.first("Size").flatMap({ Int64($0) }) else {
                throw Failure(.engine, "\(endpoint.host) lists an object without its key or size")
            }
            let modified = object.first("LastModified").flatMap { HTTPDate.iso($0) } ?? 0
            listing.objects.append(ObjectListing.Entry(key: key(text), size: size, modified: modified))
        }
        for folder in xml.all("CommonPrefixes") {
            if let prefix = folder.first("Prefix") { listing.folders.append(key(prefix)) }
        }
    }

    func delete(_ keys: [String]) throws {
        guard keys.count > 1 else {
            for key in keys {
                _ = try performed(Call(method: "DELETE", key: key, what: "delete \(name(key))", accepts: [404]))
            }
            return
        }
        for start in stride(from: 0, to: keys.count, by: 1000) {
            try deleteBatch(Array(keys[start..<min(start + 1000, keys.count)]))
        }
    }

    private func deleteBatch(_ keys: [String]) throws {
        let objects = keys.map { "<Object><Key>\(S3XML.escaped($0))</Key></Object>" }.joined()
        let body = Array("<Delete><Quiet>true</Quiet>\(objects)</Delete>".utf8)
        var call = Call(
            method: "POST", key: "", body: .bytes(body), payload: SaturnCore.Digest(of: body).description,
            what: "delete \(keys.count) objects", accepts: [405, 501])
        call.query = [("delete", "")]
        let sum = Base64.encode(Array(Insecure.MD5.hash(data: body)))
        call.headers = [("content-md5", sum), ("content-type", "application/xml")]
        let response = try performed(call)
        if response.status != 200 {
            // A server that cannot do many at once.
            for key in keys { try delete([key]) }
            return
        }
        if let error = S3XML(response.body).all("Error").first(where: { $0.first("Code") != "NoSuchKey" }) {
            throw Failure(
                .engine,
                "cannot delete \(name(error.first("Key") ?? "")): \(error.first("Code") ?? "") \(error.first("Message") ?? "")"
            )
        }
    }

    /// Those below `prefix` that were begun and neither completed nor given up; the last ones of a key last.
    func unfinishedUploads(_ prefix: String) throws -> [UnfinishedUpload] {
        var found: [UnfinishedUpload] = []
        var marker: [(name: String, value: String)]? = []
        while let from = marker {
            var call = Call(method: "GET", key: "", what: "list uploads of \(name(prefix))")
            call.query = [("uploads", ""), ("prefix", prefix), ("encoding-type", "url")] + from
            let xml = S3XML(try performed(call).body)
            let isEncoded = xml.first("EncodingType") == "url"
            for upload in xml.all("Upload") {
                guard let key = upload.first("Key"), let id = upload.first("UploadId") else { continue }
                found.append(UnfinishedUpload(key: isEncoded ? S3Encoding.decode(key) : key, id: id))
            }
            marker = nil
            if xml.first("IsTruncated") == "true", let key = xml.first("NextKeyMarker"), !key.isEmpty {
                let id = xml.first("NextUploadIdMarker") ?? ""
                marker = [("key-marker", isEncoded ? S3Encoding.decode(key) : key), ("upload-id-marker", id)]
            }
        }
        return found
    }

    func abort(_ upload: UnfinishedUpload, tries: Int? = nil) throws {
        var call = Call(method: "DELETE", key: upload.key, what: "give up \(name(upload.key))", accepts: [404])
        call.query = [("uploadId", upload.id)]
        call.tries = tries
        _ = try performed(call)
    }

    func abortUploads(_ prefix: String) throws {
        for upload in try unfinishedUploads(prefix) where upload.key.utf8.starts(with: prefix.utf8) {
            try abort(upload)
        }
    }

    func name(_ key: String) -> String { "s3://\(endpoint.bucket)/\(key)" }
}

/// A large object that was begun, and is not there yet.
struct UnfinishedUpload: Hashable, Sendable {
    var key: String
    var id: String
}

/// A part of an open file.
struct FilePart: Sendable {
    var descriptor: Int32
    var offset: Int64
    var length: Int64

    func digest() throws -> SaturnCore.Digest {
        var hasher = SHA256()
        try read { hasher.update(bufferPointer: $0) }
        return SaturnCore.Digest(hasher.finalize())
    }

    /// In hexadecimal, as servers name parts.
    func md5() throws -> String {
        var hasher = Insecure.MD5()
        try read { hasher.update(bufferPointer: $0) }
        return Hex.encode(Array(hasher.finalize()))
    }

    /// A quarter of a MiB at a time.
    func read(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        let size = 1 << 18
        try withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
            var done: Int64 = 0
            while done < length {
                let count = pread(descriptor, buffer.baseAddress, min(size, Int(length - done)), off_t(offset + done))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    throw Failure(.engine, "a file that is being uploaded was changed", hint: "run again")
                }
                body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                done += Int64(count)
            }
        }
    }
}

/// As `Content-MD5` wants it.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - part.count))
            for index in 0..<4 {
                let isText = index <= part.count
                text.append(isText ? digits[Int(bits >> (18 - 6 * UInt32(index)) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
