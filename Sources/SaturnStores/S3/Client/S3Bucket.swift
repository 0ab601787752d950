import Glibc
import SaturnCore
import Synchronization

/// A bucket, spoken to over HTTP. Every call is tried again while that is worth it.
final class S3Bucket: ObjectStorage {
    private let transport: any HTTPTransport
    private let source: any S3CredentialSource
    private let policy: RetryPolicy
    let now: @Sendable () -> Timestamp
    /// `nil` where an upload that is cut off is begun again.
    let uploads: UploadMemory?
    private let place: Mutex<S3Endpoint>
    private let count = Mutex(0)
    /// Whether there was an answer to anything yet: an address that is wrong will not do better the ninth time.
    private let hasAnswered = Mutex(false)
    private static let firstTries = 5

    init(
        _ endpoint: S3Endpoint, credentials: any S3CredentialSource, transport: any HTTPTransport,
        policy: RetryPolicy = RetryPolicy(), uploads: UploadMemory? = nil,
        now: @escaping @Sendable () -> Timestamp = { S3Results.wallClock() }
    ) {
        self.transport = transport
        source = credentials
        self.policy = policy
        self.uploads = uploads
        self.now = now
        place = Mutex(endpoint)
    }

    var requests: Int { count.withLock { $0 } }
    var endpoint: S3Endpoint { place.withLock { $0 } }

    /// A request, its parts not encoded.
    struct Call: Sendable {
        var method: String
        var key: String
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        var body = HTTPRequest.Body.none
        var payload = S3Signer.emptyPayload
        var sink = HTTPSink.memory(limit: 1 << 26)
        /// For people: "read s3://…".
        var what: String
        /// Answers that are none of a server in trouble.
        var accepts: Set<Int> = []
        /// Where it is not worth as many as usual.
        var tries: Int?
    }

    func perform(_ call: Call) throws -> HTTPResponse {
        var (tried, hasRefused, hasMoved) = (0, false, false)
        let most = call.tries ?? policy.tries
        while true {
            tried += 1
            let problem: S3Problem
            do {
                let credentials = try source.credentials()
                switch try attempt(call, credentials) {
                case .success(let response): return response
                case .failure(let found): problem = found
                }
                if problem.isExpired, !hasRefused {
                    hasRefused = true
                    source.refuse(credentials)
                    continue
                }
            } catch let error as HTTPProblem {
                let most = hasAnswered.withLock { $0 } ? most : min(most, Self.firstTries)
                guard error.isPassing, tried < most else { throw unreachable(error, call, tried) }
                sleep(policy.pause(after: tried))
                continue
            }
            if !hasMoved, let region = problem.region, region != endpoint.region,
                [301, 307, 400].contains(problem.status)
            {
                hasMoved = true
                try move(to: region)
                continue
            }
            guard problem.isPassing, tried < most else { throw problem }
            sleep(max(problem.retryAfter ?? 0, policy.pause(after: tried)))
        }
    }

    /// The same, with what went wrong in words.
    func performed(_ call: Call) throws -> HTTPResponse {
        do { return try perform(call) } catch let problem as S3Problem { throw problem.failure(call.what, endpoint) }
    }

    private func attempt(_ call: Call, _ credentials: S3Credentials) throws -> Result<HTTPResponse, S3Problem> {
        let endpoint = endpoint
        count.withLock { $0 += 1 }
        let path = endpoint.path(of: call.key)
        let signed = S3Signer(credentials: credentials, region: endpoint.region).sign(
            S3Signer.Request(
                method: call.method, host: endpoint.host, path: path, query: call.query, headers: call.headers,
                payload: call.payload), at: now())
        let request = HTTPRequest(
            method: call.method, url: endpoint.url(path, S3Signer.query(call.query)), headers: signed, body: call.body)
        let response = try transport.perform(request, into: call.sink)
        hasAnswered.withLock { $0 = true }
        // Copying and completing may fail after the server has begun to answer "200".
        let isHidden =
            response.status == 200 && call.method != "GET" && S3XML(response.body.prefix(1024)).first("Code") != nil
            && !S3XML(response.body.prefix(1024)).all("Error").isEmpty && call.query.first?.name != "delete"
        if (200..<300).contains(response.status) && !isHidden || call.accepts.contains(response.status) {
            return .success(response)
        }
        var problem = S3Problem(response)
        if isHidden { problem.status = 500 }
        return .failure(problem)
    }

    private func move(to region: String) throws {
        try place.withLock { endpoint in
            let isOwn = endpoint.host.hasSuffix(".amazonaws.com")
            if isOwn {
                endpoint = try S3Endpoint(bucket: endpoint.bucket, region: region, endpoint: nil)
            } else {
                endpoint.region = region
            }
        }
    }

    private func unreachable(_ problem: HTTPProblem, _ call: Call, _ tried: Int) -> Failure {
        let times = tried > 1 ? ", in \(tried) tries" : ""
        return Failure(
            .engine, "cannot \(call.what): \(problem.text)\(times)",
            hint: problem.isPassing ? "check endpoint_url and the network; saturn run goes on from here" : nil)
    }

    private func sleep(_ seconds: Double) {
        let whole = seconds.rounded(.down)
        var time = timespec(tv_sec: Int(whole), tv_nsec: Int((seconds - whole) * 1e9))
        var rest = timespec()
        while nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
    }
}
