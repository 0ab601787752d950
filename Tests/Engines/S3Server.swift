import Glibc
public import SaturnTesting

/// A real server of S3 on a loopback port, with a folder of its own for what it keeps.
///
/// ```swift
/// let server = try S3Server(.rclone, in: space)
/// server.stop()
/// try server.start()   // on the same port
/// ```
public final class S3Server {
    public enum Kind: String, CaseIterable, Sendable {
        /// Checks signatures; objects are files.
        case rclone
        /// Takes any key; knows the conditions and corners of AWS's own.
        case moto

    }

    public let kind: Kind
    public let port: Int
    public let space: TestSpace
    private var process: ChildProcess?

    public static let accessKey = "test"
    public static let secretKey = "secret"
    public var url: String { "\(certificate == nil ? "http" : "https")://127.0.0.1:\(port)" }
    /// Of a server that speaks TLS, which nobody but itself vouches for.
    public private(set) var certificate: String?
    /// Where rclone keeps its buckets, each a folder.
    public var folder: String { space.path("s3-\(port)") }

    /// The programs of the tests' virtual environment.
    public static var programs: String {
        let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(package)/.venv/bin"
    }

    /// Why tests that need one are skipped; `nil` where it is installed.
    public static let missing: String? =
        access(programs + "/rclone", X_OK) == 0 && access(programs + "/moto_server", X_OK) == 0
        ? nil : "NOT TESTED: there is no rclone or no moto_server in .venv/bin; make test-tools installs them"

    /// With an empty bucket named `bucket`.
    public init(_ kind: Kind, isSecure: Bool = false, in space: TestSpace) throws {
        self.kind = kind
        self.space = space
        port = try Loopback.freePort()
        space.makeFolder("s3-\(port)/bucket")
        if isSecure { try makeCertificate() }
        try start()
        if kind == .moto {
            let made = try space.run([
                "python3", "-c", "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], method='PUT'))",
                "\(url)/bucket",
            ])
            guard made.status == 0 else { throw ChildProcess.Problem("moto makes no bucket: \(made.stderr)") }
        }
    }

    deinit { stop() }

    private func makeCertificate() throws {
        let made = try space.run([
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1", "-keyout", folder + ".key", "-out", folder + ".crt",
        ])
        guard made.status == 0 else { throw ChildProcess.Problem("openssl: \(made.stderr)") }
        certificate = folder + ".crt"
    }

    public func start() throws {
        let address = "127.0.0.1:\(port)"
        let command =
            kind == .rclone
            ? [
                Self.programs + "/rclone", "serve", "s3", "--config", "/dev/null", "--auth-key",
                "\(Self.accessKey),\(Self.secretKey)", "--addr", address, "--vfs-cache-mode", "off", folder,
            ] + (certificate.map { ["--cert", $0, "--key", folder + ".key"] } ?? [])
            : [Self.programs + "/moto_server", "-H", "127.0.0.1", "-p", "\(port)"]
        // It may say much that nobody reads.
        let quiet = ["/bin/sh", "-c", "exec \"$@\" >>'\(folder).log' 2>&1", "sh"] + command
        let started = try ChildProcess(
            quiet, environment: ["PATH": "/usr/bin:/bin", "HOME": space.folder], folder: space.folder)
        process = started
        try Loopback.wait(for: port, of: started, "\(kind)")
    }

    /// Connections stay, and nothing is answered.
    public func pause() { process?.signal(SIGSTOP) }
    public func resume() { process?.signal(SIGCONT) }

    /// At once, as when its machine loses power.
    public func stop() {
        guard let process else { return }
        process.signal(SIGKILL)
        _ = try? process.wait()
        self.process = nil
    }
}
