import Glibc
import SaturnCore
import SaturnEngine
import SaturnTesting
import Testing

/// What a killed saturn has left running is found by its environment.
@Suite(.timeLimit(.minutes(25)))
struct SurvivorsTests {
    let space: TestSpace
    let location: String
    private let outer: AttemptID
    private let inner: AttemptID

    init() throws {
        space = try TestSpace()
        location = space.path("results")
        var generator = SystemRandomNumberGenerator()
        (outer, inner) = (AttemptID(using: &generator), AttemptID(using: &generator))
    }

    private func start(_ variables: [String: String]) throws -> ChildProcess {
        try space.start(["sleep", "1000"], env: variables)
    }

    /// As a process of an attempt of `task` has it.
    private func own(_ task: String, _ attempt: AttemptID) -> [String: String] {
        ["SATURN_RESULTS_DIR": "\(location)/\(task)/results", "SATURN_ATTEMPT_ID": "\(attempt)"]
    }

    private func expectAlive(_ process: ChildProcess) throws {
        #expect(kill(process.pid, 0) == 0)
        process.signal(SIGKILL)
        #expect(try process.wait().status == 137)
    }

    @Test func byTheFolder() throws {
        let (one, other) = (try start(own("a", outer)), try start(own("b", inner)))
        let near = try start(["SATURN_RESULTS_DIR": "\(location)/a/results/x", "X": "\(location)/a/results"])
        let ended = try Survivors.end(of: ["a", "c"], in: location)
        #expect(ended.map(\.pid) == [one.pid])
        #expect(ended.map(\.task) == ["a"])
        #expect(try one.wait().status == 137)
        #expect(try Survivors.end(of: ["a", "c"], in: location) == [])
        #expect(try Survivors.end(of: [], in: location) == [])
        for process in [other, near] { try expectAlive(process) }
    }

    /// The tasks of a saturn that the task ran: they write elsewhere, and what they are is told by whose they are.
    @Test func byAParentThatIsFound() throws {
        let elsewhere = ["SATURN_RESULTS_DIR": "/elsewhere/x/results", "SATURN_ATTEMPT_ID": "\(inner)"]
        let nested = try start(elsewhere.merging(["SATURN_PARENTS": "\(outer) between"]) { $1 })
        let task = try start(own("a", outer))
        let stranger = try start(elsewhere.merging(["SATURN_PARENTS": "\(outer)x \(inner)"]) { $1 })
        let ended = try Survivors.end(of: ["a"], in: location)
        #expect(Set(ended.map(\.pid)) == [nested.pid, task.pid])
        #expect(ended.first { $0.pid == nested.pid }?.task == nil)
        for process in [nested, task] { #expect(try process.wait().status == 137) }
        try expectAlive(stranger)
    }

    @Test(arguments: [true, false])
    func byTheAttempt(_ isParent: Bool) throws {
        let variables = isParent ? ["SATURN_PARENTS": "\(inner) \(outer)"] : ["SATURN_ATTEMPT_ID": "\(outer)"]
        let (one, other) = (try start(variables), try start(["SATURN_ATTEMPT_ID": "\(inner)"]))
        let ended = try Survivors.end(of: [], attempts: [outer], in: location)
        #expect(ended.map(\.pid) == [one.pid])
        #expect(ended.map(\.task) == [nil])
        #expect(try one.wait().status == 137)
        try expectAlive(other)
    }

    /// Ended, and not waited for: there is nothing to end any more.
    @Test func notOnesThatHaveEnded() throws {
        let process = try start(own("a", outer))
        process.signal(SIGKILL)
        var info = siginfo_t()
        #expect(waitid(P_PID, id_t(process.pid), &info, WEXITED | WNOWAIT) == 0)
        #expect(try Survivors.end(of: ["a"], in: location) == [])
        #expect(try process.wait().status == 137)
    }

    /// A process may be between two programs, without an environment, when it is looked at.
    @Test func onesThatKeepBecomingOthers() throws {
        // Never for long the same program, always the same process.
        let script = "exec env -i SATURN_RESULTS_DIR=\"$SATURN_RESULTS_DIR\" PATH=\"$PATH\" sh again"
        try space.write("again", script)
        for _ in 0..<20 {
            let process = try space.start(["sh", "again"], env: own("a", outer))
            let ended = try Survivors.end(of: ["a"], in: location)
            #expect(ended.map(\.pid) == [process.pid])
            #expect(try process.wait().status == 137)
        }
    }
}
