import CLibCurl
import Dispatch
import SaturnCore
import Synchronization

/// Requests by libcurl, over connections that are kept open.
final class CurlTransport: HTTPTransport {
    private struct Connection: @unchecked Sendable {
        // A pointer is not Sendable; whoever has taken a connection from the pool is the only one who uses it.
        var handle: UnsafeMutableRawPointer
    }

    private let idle = Mutex<[Connection]>([])
    private let free: DispatchSemaphore
    private let authorities: String?

    /// - Parameters:
    ///   - connections: how many requests are under way at most; others wait.
    ///   - authorities: a file with the certificates of those who are believed, in place of the system's.
    init(connections: Int = 16, authorities: String? = nil) {
        free = DispatchSemaphore(value: connections)
        self.authorities = authorities
    }

    deinit { idle.withLock { $0.forEach { saturn_curl_free($0.handle) } } }

    func perform(_ request: HTTPRequest, into sink: HTTPSink) throws(HTTPProblem) -> HTTPResponse {
        free.wait()
        defer { free.signal() }
        if let problem = saturn_curl_load() {
            throw HTTPProblem(code: 0, text: String(cString: problem), isPassing: false)
        }
        let connection = try take()
        defer { idle.withLock { $0.append(connection) } }
        return try perform(request, sink, connection.handle)
    }

    private func take() throws(HTTPProblem) -> Connection {
        if let known = idle.withLock({ $0.popLast() }) { return known }
        guard let handle = saturn_curl_make() else {
            throw HTTPProblem(code: 0, text: "there is no memory for a connection", isPassing: false)
        }
        return Connection(handle: handle)
    }

    private func perform(
        _ request: HTTPRequest, _ sink: HTTPSink, _ handle: UnsafeMutableRawPointer
    ) throws(HTTPProblem) -> HTTPResponse {
        var raw = saturn_curl_request()
        (raw.file, raw.sink, raw.length) = (-1, -1, -1)
        (raw.timeout, raw.connect_timeout, raw.stall) = (request.timeout ?? 0, request.timeout ?? 10, 60)
        raw.uses_proxy = request.usesProxy ? 1 : 0
        switch sink {
        case .memory(let limit): raw.limit = limit
        case .file(let descriptor, let offset): (raw.sink, raw.sink_offset) = (descriptor, offset)
        }
        var bytes: [UInt8] = []
        switch request.body {
        case .none: break
        case .bytes(let body): (bytes, raw.length) = (body, Int64(body.count))
        case .file(let descriptor, let offset, let length):
            (raw.file, raw.offset, raw.length) = (descriptor, offset, length)
        }
        var response = saturn_curl_response()
        // What libcurl adds by itself would cost a round trip, or is not wanted.
        let lines = request.headers.map { "\($0.name): \($0.value)" } + ["Expect:", "Accept:"]
        bytes.withUnsafeBufferPointer { body in
            raw.bytes = body.baseAddress
            withCStrings(lines) { headers in
                raw.headers = headers.baseAddress
                raw.header_count = headers.count
                withCStrings([request.method, request.url] + (authorities.map { [$0] } ?? [])) { texts in
                    (raw.method, raw.url) = (texts[0], texts[1])
                    if texts.count > 2 { raw.authorities = texts[2] }
                    saturn_curl_perform(handle, &raw, &response)
                }
            }
        }
        defer { saturn_curl_release(&response) }
        guard response.code == 0 else {
            let text = withUnsafeBytes(of: &response.problem) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw HTTPProblem(code: Int(response.code), text: text, isPassing: response.is_passing != 0)
        }
        let body = UnsafeRawBufferPointer(start: response.body, count: response.body_length)
        let headers = UnsafeRawBufferPointer(start: response.headers, count: response.header_length)
        return HTTPResponse(
            status: response.status, headers: Self.headers(headers), body: [UInt8](body), length: response.received)
    }

    private static func headers(_ text: UnsafeRawBufferPointer) -> [String: String] {
        var headers: [String: String] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = line[(colon + 1)...].drop { $0 == 32 }.prefix { $0 != 13 }
            headers[name] = String(decoding: value, as: UTF8.self)
        }
        return headers
    }
}

/// Calls `body` with the texts, each with a zero at its end.
private func withCStrings(_ texts: [String], _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> Void) {
    let bytes = texts.flatMap { Array($0.utf8CString) }
    bytes.withUnsafeBufferPointer { buffer in
        var pointers: [UnsafePointer<CChar>?] = []
        var offset = 0
        for text in texts {
            pointers.append(buffer.baseAddress.map { $0 + offset })
            offset += text.utf8.count + 1
        }
        pointers.withUnsafeBufferPointer(body)
    }
}
