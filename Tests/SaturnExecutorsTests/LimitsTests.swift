import Glibc
import SaturnCore
import SaturnTesting
import Testing

/// When the machine gives no more: tasks wait for their turn.
@Suite("Multiprocessing: limits", .timeLimit(.minutes(25)))
struct LimitsTests {
    /// Runs forty tasks, all of which wait for a word, in forty slots.
    ///
    /// - Returns: how many of them ran before the first was let go.
    static func startForty(_ limit: (Bench) throws -> Void) async throws -> Int {
        let bench = try await Bench(.multiprocessing, Candidate.Wish(slots: 40))
        let gate = try Signpost(bench.space, "gate")
        let launches = (0..<40).map { bench.prepare("t\($0)", .shell("read line < gate")) }
        try limit(bench)
        bench.executor.launch(launches)
        // All that can be started is started before the first is told of, and told of together.
        try await bench.start(of: launches[0].attempt)
        let count = bench.batches.all.joined().compactMap(\.began).count
        try gate.write(String(repeating: "go\n", count: 40))
        for launch in launches {
            let exit = try await bench.exit(of: launch.attempt)
            #expect(exit == .code(0))
        }
        return count
    }

    /// The limit under which this process can open `count` descriptors more, and no matter how many it has now.
    static func limit(leaving count: Int, _ open: Set<Int>) -> Int {
        var (limit, free) = (0, 0)
        while free < count {
            if !open.contains(limit) { free += 1 }
            limit += 1
        }
        return limit
    }

    @Test func withoutLimitAllRun() async throws {
        #expect(try await Self.startForty { _ in } == 40)
    }

    /// In a process of its own, because all threads share the limit.
    @Test func outOfDescriptors() async {
        await #expect(processExitsWith: .success) {
            let count = try await LimitsTests.startForty { bench in
                let open = Set(try bench.space.list("/proc/self/fd").compactMap(Int.init))
                var limit = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                limit.rlim_cur = rlim_t(LimitsTests.limit(leaving: 12, open))
                #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            }
            #expect(count > 0 && count < 40, "\(count) ran at once")
        }
    }

    /// Lets this process open no file until what is returned is called, and launches a task, which has been tried in vain
    /// when this returns.
    private static func launchInVain(_ bench: Bench) async throws -> (attempt: AttemptID, free: () -> Void) {
        let launches = ["a", "b"].map { bench.prepare($0, .shell("echo hi")) }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let free = {
            var old = limit
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old)
        }
        let open = Set(try bench.space.list("/proc/self/fd").compactMap(Int.init))
        var none = limit
        none.rlim_cur = rlim_t(Self.limit(leaving: 0, open))
        #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none) == 0)
        bench.executor.launch(launches)
        // The other one waits behind it; that it does so no more is told after the first was tried.
        bench.executor.cancel(launches[1].attempt, force: false)
        #expect(try await bench.exit(of: launches[1].attempt) == .cancelled)
        return (launches[0].attempt, free)
    }

    /// Others may have taken all there is, and give it back.
    @Test func aShortageThatPasses() async {
        await #expect(processExitsWith: .success) {
            let bench = try await Bench(.multiprocessing)
            let (attempt, free) = try await LimitsTests.launchInVain(bench)
            #expect(bench.ended.contains(attempt) == false, "it was not tried again")
            free()
            #expect(try await bench.exit(of: attempt) == .code(0))
            #expect(try bench.log("a") == "hi\n")
        }
    }

    @Test func aShortageThatStays() async {
        await #expect(processExitsWith: .success) {
            let bench = try await Bench(.multiprocessing)
            let (attempt, free) = try await LimitsTests.launchInVain(bench)
            let event = try await bench.events.first { if case .fatal = $0 { true } else { false } }
            guard case .fatal(let problem) = event else { return }
            #expect(problem.message.contains("Too many open files") && problem.hint?.contains("ulimit -n") == true)
            // It is not the task's fault.
            let end = try await bench.events.first { $0.ended == attempt }
            if case .exited(_, .cancelled, _) = end {} else { Issue.record("\(end)") }
            free()
            await bench.executor.stop()
        }
    }
}
