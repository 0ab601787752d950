import Glibc
import Testing

/// Row 29 of faults.md: the clock is set back a year, between runs and while one goes on.
@Suite(.ownThread) struct ClockTests {
    private static let compiler = ["/usr/bin/cc", "/usr/bin/clang", "/opt/swift/usr/bin/clang"].first {
        (path: String) in
        access(path, X_OK) == 0
    }
    private static let reason: Comment = "SKIPPED: there is no C compiler to build a clock with that goes wrong"

    /// For saturn and its tasks the clock is wrong as long as the file `CLOCK_SHIFT` exists.
    private static let shim = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>
        static time_t shift(void) {
            const char *file = getenv("CLOCK_SHIFT");
            return file && access(file, F_OK) == 0 ? -365L * 86400 : 0;
        }
        int clock_gettime(clockid_t clock, struct timespec *time) {
            static int (*real)(clockid_t, struct timespec *);
            if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, time);
            if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += shift();
            return result;
        }
        int gettimeofday(struct timeval *restrict time, void *restrict zone) {
            struct timespec now;
            if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *result) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (result) *result = now.tv_sec;
            return now.tv_sec;
        }

        """

    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write("clock.c", Self.shim)
        let built = try session.shell("\(Self.compiler ?? "cc") -shared -fPIC -O1 -o clock.so clock.c -ldl")
        guard built.status == 0 else { throw SessionProblem("cannot build the clock: \(built.err)") }
        session.environment["LD_PRELOAD"] = session.path("clock.so")
        session.environment["CLOCK_SHIFT"] = session.path("shifted")
        session.environment["RAN"] = session.space.path("ran")
        return session
    }

    private func year(_ session: Session, _ task: String) throws -> [Int] {
        try session.read("results/clock/\(task)/events").matches(of: /utctimestamp: (\d{4})/).compactMap { Int($0.1) }
    }

    @Test(.enabled(if: compiler != nil, reason)) func betweenRuns() throws {
        let session = try makeSession()
        func write(_ version: Int) throws {
            try session.write(
                "run.yaml",
                """
                name: clock
                defaults: {code: none}
                tasks:
                  - {name: a, inputs: [data], command: echo a\(version) >> $RAN; cat data > $RESULTS_DIR/x}
                  - {name: b, needs: [a], command: echo b >> $RAN}

                """)
        }
        try session.write("data", "one\n")
        try write(1)
        #expect(try session.saturn("run").status == 0)
        let now = try #require(year(session, "a").first)

        try session.write("shifted", "")
        #expect(try session.saturn("run").out.hasPrefix("clock: 2 up to date (T)\n"))
        try session.write("data", "two\n")
        let plan = try session.saturn("plan", "--json")
        #expect(try PlanJSON(plan).tasks.first?.reason == "inputs: data changed", "\(plan.out)")
        try write(2)
        let shifted = try session.saturn("run")
        #expect(shifted.out.hasPrefix("clock: 2 succeeded (T)\n"), "\(shifted.out)\(shifted.err)")
        #expect(try Set(year(session, "a")) == [now - 1], "the clock was not set back: this shows nothing")
        #expect(try session.saturn("status").out.hasPrefix("clock: succeeded"))

        try session.remove("shifted")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        try write(1)
        try session.write("data", "one\n")
        let back = try session.saturn("run")
        #expect(back.out.hasPrefix("clock: 2 restored (T)\n"), "\(back.out)\(back.err)")
        #expect(try session.read(session.space.path("ran")) == "a1\nb\na2\nb\n")
    }

    /// Durations and timeouts are those of a clock that nobody sets.
    @Test(.enabled(if: compiler != nil, reason), arguments: [true, false]) func whileOneGoesOn(_ isSetBack: Bool) throws
    {
        let session = try makeSession()
        func shift(_ isShifted: Bool) throws {
            if isShifted { try session.write("shifted", "") } else { try session.remove("shifted") }
        }
        if !isSetBack { try shift(true) }
        let meetings = try ["here", "go", "never"].map { try Meeting(session.space.path($0)) }
        try session.write(
            "run.yaml",
            """
            name: clock
            defaults: {code: none}
            tasks:
              - {name: late, timeout: 1s, command: read line < \(meetings[2].path)}
              - {name: a, timeout: 1h, command: echo here > \(meetings[0].path); read line < \(meetings[1].path)}
              - {name: b, needs: [a], timeout: 1h, command: echo b}

            """)
        let run = try session.background("run", "-j", "2")
        _ = try meetings[0].line()
        try shift(isSetBack)
        meetings[1].send()
        let ended = try run.ended()
        #expect(
            ended.out.hasPrefix("clock: 2 succeeded, 1 failed (T)\nfailed: late (timed out after 1 s)\n"),
            "\(ended.out)\(ended.err)")
        // A year is hours, and before the beginning nothing is.
        let raw = String(decoding: ended.rawOut + ended.rawErr, as: UTF8.self)
        #expect(raw.contains(" s)") && !raw.contains(" h "), "\(raw)")
        #expect(try Set(year(session, "a")).count == 2, "the clock was not set: this shows nothing")
        #expect(try session.saturn("plan", "--exit-code").status == 6)
        #expect(try session.saturn("status").status == 0)
        try shift(!isSetBack)
        let next = try PlanJSON(session.saturn("plan", "--json"))
        #expect(next.names("reuse") == ["a", "b"])
        #expect(next.names("run") == ["late"])
    }
}
