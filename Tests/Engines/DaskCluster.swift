import Glibc
public import SaturnTesting
import Synchronization

/// A Dask scheduler and workers on loopback, each a process of its own.
///
/// ```swift
/// let cluster = try DaskCluster(in: space)
/// cluster.kill(worker: 0)
/// ```
public final class DaskCluster {
    public let port: Int
    public let space: TestSpace
    private let threads: Int
    private let security: [String]
    public private(set) var scheduler: ChildProcess?
    public private(set) var workers: [ChildProcess] = []

    public var address: String { "\(security.isEmpty ? "tcp" : "tls")://127.0.0.1:\(port)" }

    /// Of the virtual environment that has `distributed`.
    public static var programs: String { S3Server.programs }
    public static var python: String { programs + "/python" }

    /// Why tests that need one are skipped; `nil` where it is installed.
    public static let missing: String? =
        access(S3Server.programs + "/dask", X_OK) == 0
        ? nil : "NOT TESTED: there is no dask in .venv/bin; make test-tools installs it"

    /// - Parameters:
    ///   - threads: of each worker.
    ///   - certificate: the files `NAME.crt` and `NAME.key` of both sides, vouched for by itself.
    public init(
        workers: Int = 2, threads: Int = 2, port: Int? = nil, certificate: String? = nil, in space: TestSpace
    ) throws {
        self.space = space
        self.threads = threads
        self.port = try port ?? Loopback.freePort()
        security =
            certificate.map { ["--tls-ca-file", "\($0).crt", "--tls-cert", "\($0).crt", "--tls-key", "\($0).key"] }
            ?? []
        try startScheduler()
        for _ in 0..<workers { try addWorker() }
    }

    deinit { stop() }

    public func startScheduler() throws {
        let started = try start(
            ["scheduler", "--host", "127.0.0.1", "--port", "\(port)", "--dashboard-address", "127.0.0.1:0"], "scheduler"
        )
        scheduler = started
        try Loopback.wait(for: port, of: started, "the Dask scheduler")
    }

    /// - Parameter hidden: a folder that it does not see, as on another machine.
    public func addWorker(_ options: [String] = [], hiding hidden: String? = nil) throws {
        let folder = "dask-\(port)"
        space.makeFolder(folder)
        let worker = try start(
            hiding: hidden,
            [
                "worker", address, "--host", "127.0.0.1", "--nthreads", "\(threads)", "--no-nanny",
                "--dashboard-address", "127.0.0.1:0", "--memory-limit", "0", "--local-directory", space.path(folder),
            ] + options, "worker")
        workers.append(worker)
    }

    private func start(hiding hidden: String? = nil, _ arguments: [String], _ name: String) throws -> ChildProcess {
        // It may say much that nobody reads.
        let quiet = ["/bin/sh", "-c", "exec \"$@\" >>'\(space.path("dask-\(port).\(name).log"))' 2>&1", "sh"]
        let away = hidden.map {
            ["unshare", "-rm", "/bin/sh", "-c", "mount -t tmpfs none \"$0\" && cd / && exec \"$@\"", $0]
        }
        let started = try ChildProcess(
            quiet + (away ?? []) + [S3Server.programs + "/dask"] + arguments + security,
            environment: [
                "PATH": "\(S3Server.programs):/usr/local/bin:/usr/bin:/bin", "HOME": space.folder, "LC_ALL": "C.UTF-8",
                "TMPDIR": space.folder,
                "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
            ], folder: space.folder)
        Self.running.withLock { _ = $0.insert(started.pid) }
        return started
    }

    public func kill(worker index: Int) {
        workers[index].signal(SIGKILL)
        _ = try? workers[index].wait()
    }

    public func killScheduler() {
        guard let scheduler else { return }
        scheduler.signal(SIGKILL)
        _ = try? scheduler.wait()
        self.scheduler = nil
    }

    /// The most memory that the scheduler has had, in bytes.
    public var schedulerPeak: Int? {
        guard let pid = scheduler?.pid, let text = try? space.read("/proc/\(pid)/status") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// At once.
    public func stop() {
        for process in workers + [scheduler].compactMap({ $0 }) {
            process.signal(SIGKILL)
            _ = try? process.wait()
            Self.running.withLock { _ = $0.remove(process.pid) }
        }
        workers = []
        scheduler = nil
    }

    // MARK: One for many tests

    private static let atEnd = Mutex<TestSpace?>(nil)
    private static let running = Mutex<Set<pid_t>>([])

    /// Ended with the process of the tests.
    public static let shared = Result {
        let cluster = try DaskCluster(threads: 64, in: TestSpace())
        atEnd.withLock { $0 = cluster.space }
        atexit {
            for pid in DaskCluster.running.withLock({ $0 }) { Glibc.kill(pid, SIGKILL) }
            DaskCluster.atEnd.withLock { $0?.remove("") }
        }
        return Shared(address: cluster.address, space: cluster.space, cluster: cluster)
    }

    public struct Shared: @unchecked Sendable {
        // Safe: nobody does anything to the cluster but keep it.
        public let address: String
        public let space: TestSpace
        let cluster: DaskCluster
    }
}
