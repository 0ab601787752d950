import Glibc
public import SaturnTesting
import Synchronization

/// A Kubernetes cluster whose one node is this machine: the one that `make kubernetes` has built, or that
/// `SATURN_TEST_KUBECONFIG` names.
///
/// ```swift
/// let cluster = try KubernetesCluster.shared.get()
/// let pods = try cluster.kubectl("get", "pods", "-o", "name")
/// ```
public final class KubernetesCluster: @unchecked Sendable {
    // Safe: nobody does anything to its process but keep it; the rest does not change.

    /// Its files, and its configurations for `kubectl`: `kubeconfig`, and for those who may not do much
    /// `reader.kubeconfig` and `nobody.kubeconfig`, and `away.kubeconfig` for one that does not answer.
    public let folder: String
    public let kubeconfig: String
    /// Of nothing but busybox; of bash, dash, GNU tar and busybox.
    public static let (image, tools) = ("local/busybox:1", "local/tools:1")

    private static let own = variable("SATURN_TEST_KUBECONFIG")
    private static let servers: String = {
        let cache =
            variable("SATURN_TEST_CACHE")
            ?? "\(variable("XDG_CACHE_HOME") ?? "\(variable("HOME") ?? "")/.cache")/saturn-tests"
        return "\(cache)/kubernetes-1.20.2"
    }()

    /// Why tests that need one are skipped; `nil` where there is one, or all that it is made of.
    public static let missing: String? = {
        if own != nil { return nil }
        let skipped = "NOT TESTED: no Kubernetes: "
        guard access("\(servers)/kubelet", X_OK) == 0 else {
            return skipped + "make kubernetes builds one, once per machine, in 8 minutes or more"
        }
        guard getuid() == 0 else { return skipped + "its node needs root" }
        let programs = ["etcd", "containerd", "runc", "ctr", "kubectl", "busybox"].filter { name in
            !["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"].contains {
                access("\($0)/\(name)", X_OK) == 0
            }
        }
        guard programs.isEmpty else {
            return skipped + "there is no \(programs.joined(separator: ", ")); make kubernetes installs it"
        }
        return nil
    }()

    private let process: ChildProcess?

    private init(_ process: ChildProcess? = nil, folder: String, kubeconfig: String) {
        (self.process, self.folder, self.kubeconfig) = (process, folder, kubeconfig)
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Runs it; throws with what it says when it fails.
    @discardableResult
    public func kubectl(_ words: String...) throws -> String {
        let done = try ChildProcess(
            ["kubectl", "--kubeconfig", kubeconfig] + words, environment: Self.variables(folder), folder: "/"
        ).wait()
        guard done.status == 0 else { throw ChildProcess.Problem("kubectl: \(done.stderr)") }
        return done.stdout
    }

    private static func variables(_ folder: String) -> [String: String] {
        ["PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME": folder, "LC_ALL": "C.UTF-8"]
    }

    /// What `kubectl` needs, as `NAME=value`.
    public static func environment(_ folder: String) -> [String] { variables(folder).map { "\($0.key)=\($0.value)" } }

    // MARK: One for all tests

    private static let running = Mutex<pid_t>(0)
    private static let spaces = Mutex<[TestSpace]>([])

    /// Ended with the process of the tests.
    public static let shared = Result {
        atexit {
            let pid = KubernetesCluster.running.withLock { $0 }
            if pid > 0 {
                kill(pid, SIGTERM)
                waitpid(pid, nil, 0)
            }
            KubernetesCluster.spaces.withLock { for space in $0 { space.remove("") } }
        }
        if let own { return KubernetesCluster(folder: "/nonexistent", kubeconfig: own) }
        let space = try TestSpace()
        let script = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/kubernetes-cluster.py"
        let folder = space.path("cluster")
        let process = try ChildProcess(
            ["/bin/sh", "-c", "exec python3 -B \"$@\" > said 2>&1", "sh", script, folder, servers],
            environment: variables(space.folder), folder: space.folder)
        running.withLock { $0 = process.pid }
        spaces.withLock { $0.append(space) }
        for _ in 0..<3000 {
            let said = (try? space.read("said")) ?? ""
            if said.hasPrefix("ready\n") {
                return KubernetesCluster(process, folder: folder, kubeconfig: folder + "/kubeconfig")
            }
            guard kill(process.pid, 0) == 0, said.isEmpty else { break }
            poll(nil, 0, 50)
        }
        throw ChildProcess.Problem("the Kubernetes cluster does not come up: \((try? space.read("said")) ?? "")")
    }

    /// For what tests that use one executor together keep.
    public static let space = Result {
        _ = try shared.get()
        let space = try TestSpace()
        spaces.withLock { $0.append(space) }
        return space
    }
}
