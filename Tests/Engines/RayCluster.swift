import Glibc
public import SaturnTesting
import Synchronization

/// A Ray head on loopback, in a network namespace where there is nothing else: what is to reach it is started by ``python``.
///
/// ```swift
/// let cluster = try RayCluster(in: space)
/// let done = try space.run([cluster.python, "-c", "import ray; ray.init('\(cluster.address)')"])
/// ```
public final class RayCluster {
    public let address = "127.0.0.1:6379"
    public let space: TestSpace
    private let cpus: Int
    private var starts = 0
    public private(set) var head: ChildProcess?

    /// The interpreter that has `ray`, in the network of the head.
    public var python: String { space.path("ray-python") }

    /// What a run keeps on the node, by its id.
    public func folder(of run: String) -> String { space.path("saturn-\(run)") }

    /// Why tests that need one are skipped; `nil` where it is installed.
    public static let missing: String? =
        access(S3Server.programs + "/ray", X_OK) == 0
        ? nil : "NOT TESTED: there is no ray in .venv/bin; make test-tools installs it"

    /// - Parameter cpus: that it says it has.
    public init(cpus: Int = 2, in space: TestSpace) throws {
        self.space = space
        self.cpus = cpus
        try start()
    }

    deinit { stop() }

    public func start() throws {
        let script = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        try space.write("ray.log", "")
        starts += 1
        let words = [
            "unshare", "-rn", "\(S3Server.programs)/python", "/\(script)/ray-head.py", "--port", "6379", "--num-cpus",
            "\(cpus)", "--include-dashboard=false", "--temp-dir", space.path("ray-\(starts)"), "--object-store-memory",
            "200000000",
        ]
        let started = try ChildProcess(
            ["/bin/sh", "-c", "exec \"$@\" >>'\(space.path("ray.log"))' 2>&1", "sh"] + words,
            environment: [
                "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": space.folder, "LC_ALL": "C.UTF-8",
                "RAY_USAGE_STATS_ENABLED": "0", "TMPDIR": space.folder,
            ], folder: space.folder)
        head = started
        Self.running.withLock { _ = $0.insert(started.pid) }
        try space.write(
            "ray-python",
            """
            #!/bin/sh
            exec nsenter -U -n --preserve-credentials -t \(started.pid) -- \(S3Server.programs)/python "$@"

            """)
        chmod(python, 0o755)
        try waitUntilReady(started)
    }

    private func waitUntilReady(_ head: ChildProcess) throws {
        for _ in 0..<1200 {
            if try space.read("ray.log").contains("Ray runtime started") { return }
            guard kill(head.pid, 0) == 0 else { break }
            poll(nil, 0, 50)
        }
        throw ChildProcess.Problem("the Ray head does not start: \(try space.read("ray.log").suffix(2000))")
    }

    /// At once, with all that runs on it.
    public func stop() {
        guard let head else { return }
        kill(-head.pid, SIGKILL)
        head.signal(SIGKILL)
        _ = try? head.wait()
        Self.running.withLock { _ = $0.remove(head.pid) }
        self.head = nil
    }

    // MARK: One for many tests

    private static let atEnd = Mutex<TestSpace?>(nil)
    private static let running = Mutex<Set<pid_t>>([])

    /// Ended with the process of the tests.
    public static let shared = Result {
        let cluster = try RayCluster(cpus: 16, in: TestSpace())
        atEnd.withLock { $0 = cluster.space }
        atexit {
            for pid in RayCluster.running.withLock({ $0 }) { Glibc.kill(-pid, SIGKILL) }
            RayCluster.atEnd.withLock { $0?.remove("") }
        }
        return Shared(cluster: cluster)
    }

    public struct Shared: @unchecked Sendable {
        // Safe: nobody does anything to the cluster but keep it and read what does not change.
        public let cluster: RayCluster
    }
}
