/// One request over HTTP.
struct HTTPRequest: Sendable {
    enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// A part of a file; it is read while it is sent. The descriptor stays the caller's.
        case file(descriptor: Int32, offset: Int64, length: Int64)
    }

    var method: String
    /// Absolute, encoded.
    var url: String
    var headers: [(name: String, value: String)] = []
    var body = Body.none
    /// Seconds for all of it; `nil` is as long as bytes keep coming.
    var timeout: Int?
    /// Whether it goes through the proxy that the environment names; not so to a machine's own metadata service.
    var usesProxy = true
}

/// Where the body of a successful (2xx) answer goes; that of any other is kept in memory.
enum HTTPSink: Sendable {
    /// Up to so many bytes; more is a problem.
    case memory(limit: Int)
    /// Written at its position, from `offset` on.
    case file(descriptor: Int32, offset: Int64)
}

struct HTTPResponse: Sendable {
    var status: Int
    /// By their names in lower case.
    var headers: [String: String]
    /// Empty when it went into a file.
    var body: [UInt8]
    /// Bytes of the body, wherever they went.
    var length: Int64
}

/// There was no whole answer: the name is unknown, nothing listens, the connection broke or stood still …
struct HTTPProblem: Error, Hashable, Sendable {
    /// libcurl's number, 0 where it is not from there.
    var code: Int
    var text: String
    /// Worth another try: the network, not the request.
    var isPassing: Bool
}

/// Performs requests, from any thread; each call returns when its answer is there.
protocol HTTPTransport: Sendable {
    func perform(_ request: HTTPRequest, into sink: HTTPSink) throws(HTTPProblem) -> HTTPResponse
}
