import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// A session whose tasks run on R's futures.
///
/// ```swift
/// let stage = try RStage(tasks: "[{name: a, command: echo a >> $RAN}]", plan: "multicore")
/// let run = try stage.session.saturn("run")
/// #expect(try stage.left().isEmpty)
/// ```
final class RStage: EngineStage {
    let rscript: String
    private let plan: String

    static let isInstalled = RPrograms.missing == nil
    static let reason = Comment(rawValue: RPrograms.missing ?? "")

    /// - Parameters:
    ///   - plan: the plan and the workers, settings in YAML's short form.
    init(tasks: String = "[]", plan: String = "plan: multisession, workers: 4") throws {
        let session = try Session()
        rscript = try RPrograms.rscript(in: session.space)
        self.plan = plan
        try super.init(session)
        try write(tasks)
    }

    override var executor: [String] {
        ["class_spec: RFuturesExecutor", "rscript: \(rscript)"] + plan.components(separatedBy: ", ")
    }

    /// The R session that a process of a task belongs to.
    func worker(of pid: pid_t) throws -> pid_t {
        let stat = try session.read("/proc/\(pid)/stat")
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        return try #require(fields.count > 2 ? pid_t(fields[2]) : nil)
    }

    /// The one that holds the plan.
    func foreman() throws -> pid_t {
        let words = try session.read(".saturn/bridges/stage/r/foreman")
        return try #require(words.split(separator: " ").first.flatMap { pid_t($0) })
    }

    override func killWorker(of pid: pid_t) throws { kill(try worker(of: pid), SIGKILL) }
    override func killHolder() throws { kill(try foreman(), SIGKILL) }

    override func loseTasks(_ pids: [pid_t]) throws {
        try killHolder()
        for worker in Set(try pids.map(worker)) { kill(worker, SIGKILL) }
    }

    /// Its files, and processes of R's that have its folder as their home.
    override func left() throws -> String {
        let files = session.exists(".saturn/bridges/stage/r") ? ["r"] : []
        let processes = try session.names("/proc").filter { name in
            guard pid_t(name) != nil, (try? session.read("/proc/\(name)/comm")) == "R\n" else { return false }
            return (try? session.read("/proc/\(name)/environ"))?.contains("HOME=\(session.space.path("home"))\0")
                ?? false
        }
        return (files + processes).joined(separator: " ")
    }
}
