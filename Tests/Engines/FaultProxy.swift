public import SaturnTesting

/// Stands before a server and spoils a share of its requests: see fault-proxy.py.
public final class FaultProxy {
    public let port: Int
    public var url: String { "http://127.0.0.1:\(port)" }
    private let space: TestSpace
    private let process: ChildProcess

    /// - Parameters:
    ///   - rate: the share of requests, 0 … 1.
    ///   - first: the faults of the first requests, "-" for one that is passed on.
    public init(
        before server: S3Server, rate: Double, seed: UInt64, first: [String] = [], in space: TestSpace
    ) throws {
        self.space = space
        port = try Loopback.freePort()
        let script = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        process = try ChildProcess(
            [
                "python3", "/\(script)/fault-proxy.py", "\(port)", "\(server.port)", "\(rate)", "\(seed)",
                space.path("proxy.log"),
            ] + first, environment: space.environment, folder: space.folder)
        try Loopback.wait(for: port, of: process, "the proxy")
    }

    deinit {
        process.signal(9)
        _ = try? process.wait()
    }

    /// Each request so far, its method and its path.
    public var requests: [String] {
        get throws {
            try space.read("proxy.log").split(separator: "\n").map {
                $0.split(separator: " ").dropFirst().joined(separator: " ")
            }
        }
    }

    /// The faults of all requests so far, "-" of one that was passed on.
    public var faults: [String] {
        get throws { try space.read("proxy.log").split(separator: "\n").map { String($0.prefix { $0 != " " }) } }
    }
}
