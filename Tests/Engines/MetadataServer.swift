import Glibc
public import SaturnTesting

/// Gives credentials over HTTP: see metadata-server.py.
public final class MetadataServer {
    public let port: Int
    public var url: String { "http://127.0.0.1:\(port)" }
    private let space: TestSpace
    private let process: ChildProcess

    /// - Parameter expiration: of the keys, as servers write times.
    public init(expiration: String, in space: TestSpace) throws {
        self.space = space
        port = try Loopback.freePort()
        let script = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        process = try ChildProcess(
            ["python3", "/\(script)/metadata-server.py", "\(port)", space.path("metadata.log"), expiration],
            environment: space.environment, folder: space.folder)
        try Loopback.wait(for: port, of: process, "the metadata server")
    }

    /// Connections are made, and nothing is answered.
    public func pause() { process.signal(SIGSTOP) }

    deinit {
        process.signal(SIGKILL)
        _ = try? process.wait()
    }

    /// Each request so far: its method and its path.
    public var requests: [String] {
        get throws { try space.read("metadata.log").split(separator: "\n").map(String.init) }
    }
}
