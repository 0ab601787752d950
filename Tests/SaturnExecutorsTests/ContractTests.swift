import Glibc
import SaturnCore
import SaturnTesting
import Testing

/// What every executor does, on its real engine.
@Suite("Executor contract", .fewAtOnce, .timeLimit(.minutes(25)))
struct ContractTests {
    // MARK: How a task ends

    @Test("success, with log and results", arguments: Candidate.all)
    func success(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let attempt = bench.launch(
            "a", .shell("echo out; echo err >&2; printf 1 > \"$SATURN_RESULTS_DIR/value\""))
        #expect(try await bench.exit(of: attempt) == .code(0))
        #expect(try bench.log("a") == "out\nerr\n")
        #expect(try bench.space.read(bench.workspace("a").results + "/value") == "1")
        #expect(bench.started == [attempt])
        #expect(bench.ended == [attempt])
        let first = try #require(bench.events.all.first)
        #expect(first.began == attempt, "it starts before it ends")
    }

    @Test("the exit code of a failure", arguments: Candidate.all)
    func failure(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        for code in [1, 2, 7, 126, 127, 128, 143, 255] as [Int32] {
            #expect(try await bench.run("t\(code)", .shell("exit \(code)")) == .code(code))
        }
    }

    @Test("the first failing line fails the task", arguments: Candidate.all)
    func failingLine(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        #expect(try await bench.run("a", .shell("echo one\nfalse\necho two")) == .code(1))
        #expect(try bench.log("a") == "one\n")
    }

    @Test("death by signal", arguments: Candidate.all)
    func signal(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        for number in [SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGPIPE] {
            let text = "ulimit -c 0; kill -\(number) $$; echo alive"
            #expect(try await bench.run("t\(number)", .shell(text)) == candidate.killed(by: number))
            #expect(try bench.log("t\(number)") == "")
        }
    }

    // MARK: What it writes

    @Test("50 MB of output", arguments: Candidate.all)
    func bigOutput(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        #expect(try await bench.run("a", .shell("seq 1 6600000")) == .code(0))
        let sums = try bench.space.run(
            [
                "/bin/sh", "-c", "wc -c < \"$0\"; sha256sum < \"$0\"; seq 1 6600000 | sha256sum",
                bench.workspace("a").log,
            ])
        let lines = sums.stdout.split(separator: "\n")
        #expect(lines.first == "51688896")
        #expect(lines.count == 3)
        #expect(lines.dropFirst().first == lines.last)
    }

    @Test("binary output, byte for byte", arguments: Candidate.all)
    func binaryOutput(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let bytes = (0..<256).map { UInt8($0) } + Array("\u{1B}[31mé\r\n".utf8) + [0xC3, 0xFF, 0, 0xE2, 0x82]
        try bench.space.write("blob", bytes)
        #expect(try await bench.run("a", .shell("cat blob")) == .code(0))
        #expect(try bench.space.readBytes(bench.workspace("a").log) == bytes)
    }

    @Test("output without a newline, and none at all", arguments: Candidate.all)
    func openLine(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        #expect(try await bench.run("a", .shell("printf abc")) == .code(0))
        #expect(try bench.log("a") == "abc")
        #expect(try await bench.run("b", .shell(":")) == .code(0))
        #expect(try bench.log("b") == "")
    }

    @Test("results with odd names", arguments: Candidate.all)
    func oddResults(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let make = """
            mkdir -- '-d' 'sub dir' sub\\ dir/deep empty
            printf 1 > ' '; printf 2 > '*?[a]'; printf 3 > '-rf'; printf 4 > "a'b\\"c"; printf 5 > é
            printf 6 > "$(printf 'new\\nline')"; printf 7 > "$(printf '\\377\\376')"; printf 8 > '$(id)'
            printf 9 > "$(printf '%0255d' 0)"; printf 10 > 'sub dir/deep/.hidden'; : > nothing
            ln -s '../../outside' 'a link'; chmod 640 -- -rf; chmod 755 é
            """
        bench.space.makeFolder("reference")
        defer { _ = try? bench.space.run(["rm", "-rf", "reference", "work"]) }
        let reference = try bench.space.run(["/bin/sh", "-ec", make], in: "reference")
        #expect(reference.status == 0, "\(reference.stderr)")
        #expect(try await bench.run("a", .shell("cd \"$SATURN_RESULTS_DIR\"\n\(make)")) == .code(0))
        let results = bench.workspace("a").results
        let difference = try bench.space.run(["diff", "-r", "--no-dereference", "reference", results])
        #expect(difference.status == 0, "\(difference.stdout)\(difference.stderr)")
        let list = "cd \"$0\" && find . -printf '%y %m %s %P %l\\0' | LC_ALL=C sort -z | cksum"
        let listings = try ["reference", results].map { try bench.space.run(["/bin/sh", "-c", list, $0]).stdout }
        #expect(listings[0] == listings[1])
    }

    /// In pieces too, and in what is no text; a variable of the task's own is none.
    @Test("secrets do not appear in the log", arguments: Candidate.all)
    func secrets(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let secrets = [Variable("TOKEN", "hunter2"), Variable("KEY", "hunter2 and more"), Variable("NONE", "")]
        let text = """
            echo "<$TOKEN|$KEY|$NONE>"; printf 'hun'; printf 'ter2\\377\\000'; printf '%s' "$TOKEN" >&2
            printf '%s' "$TOKEN" > "$SATURN_RESULTS_DIR/value"; printf 'the end: hunter'
            """
        #expect(
            try await bench.run("a", .shell(text), env: [Variable("TOKEN", "shadowed")], secrets: secrets) == .code(0))
        let expected = Array("<***|***|>\n***".utf8) + [0xFF, 0] + Array("***the end: hunter".utf8)
        #expect(try bench.space.readBytes(bench.workspace("a").log) == expected)
        #expect(try bench.space.read(bench.workspace("a").results + "/value") == "hunter2")
    }

    @Test("50 MB of output of a task with secrets", arguments: Candidate.all)
    func bigMaskedOutput(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let secrets = [Variable("TOKEN", "4711")]
        #expect(try await bench.run("a", .shell("seq 1 6600000"), secrets: secrets) == .code(0))
        let sums = "sha256sum < \"$0\"; seq 1 6600000 | sed 's/4711/***/g' | sha256sum"
        let lines = try bench.space.run(["/bin/sh", "-c", sums, bench.workspace("a").log]).stdout.split(separator: "\n")
        #expect(lines.count == 2 && lines.first == lines.last)
    }

    // MARK: What it gets

    @Test("arguments, byte for byte", arguments: Candidate.all)
    func arguments(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let words = ["", " ", "a b", "'", "\"", "$HOME", "`id`", "*", "-n", "\\", "é", "line\nline", "a=b", ";"]
        let show = ["/bin/sh", "-c", "printf '<%s>' \"$@\"", "sh"]
        #expect(try await bench.run("a", .direct(show + words)) == .code(0))
        #expect(try bench.log("a") == words.map { "<\($0)>" }.joined())
    }

    @Test("its environment and its folder; no input", arguments: Candidate.all)
    func surroundings(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        bench.space.makeFolder("a folder/é")
        let workdir = bench.space.path("a folder/é")
        let env = [
            Variable("X", "one\ntwo = 'three'"), Variable("EMPTY", ""), Variable("X2", "first"), Variable("X2", "é"),
        ]
        let text = "printf '%s|' \"$X\" \"${EMPTY-unset}\" \"$X2\" \"$PWD\" \"$(pwd -P)\"; cat"
        #expect(try await bench.run("a", .shell(text), env: env, workdir: workdir) == .code(0))
        #expect(try bench.log("a") == "one\ntwo = 'three'||é|\(workdir)|\(workdir)|")
    }

    @Test("another shell", arguments: Candidate.all)
    func otherShell(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let strict = Command.shell("false | true; echo no", shell: ["bash", "-euo", "pipefail", "-c"])
        #expect(try await bench.run("a", strict) == .code(1))
        #expect(try await bench.run("b", .shell("false | true; echo $0", shell: ["bash", "-c"])) == .code(0))
        #expect(try bench.log("b") == "bash\n")
    }

    // MARK: Again, and stopping

    @Test("a second attempt in the same workspace", arguments: Candidate.all)
    func again(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let first = bench.prepare("a", .shell("echo one; exit 1"))
        bench.executor.launch([first])
        #expect(try await bench.exit(of: first.attempt) == .code(1))
        try bench.space.rename(first.workspace.log, to: first.workspace.log + ".1")
        let second = bench.prepare("a", .shell("echo two"))
        bench.executor.launch([second])
        #expect(try await bench.exit(of: second.attempt) == .code(0))
        #expect(try bench.log("a") == "two\n")
        #expect(try bench.space.read(first.workspace.log + ".1") == "one\n")
    }

    @Test("cancelled, it is asked to end", arguments: Candidate.all)
    func cancel(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let ready = try Signpost(bench.space, "ready")
        #expect(try await exit(of: bench, whenAsked: "echo bye; exit 5", ready) == .code(5))
        #expect(try bench.log("a") == "bye\n")
        let plain = bench.launch("b", .shell("echo > ready; exec sleep 1000"))
        _ = try await ready.read()
        bench.executor.cancel(plain, force: false)
        #expect(try await bench.exit(of: plain) == candidate.killed(by: SIGTERM))
    }

    @Test("cancelled, it may end without an error: nobody knows what it has done", arguments: Candidate.all)
    func cancelPolite(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let ready = try Signpost(bench.space, "ready")
        let exit = try await exit(of: bench, whenAsked: "exit 0", ready)
        #expect(exit == .gaveWay, "\(exit)")
    }

    /// How a task ends that does this when it is asked to end.
    private func exit(of bench: Bench, whenAsked words: String, _ ready: Signpost) async throws -> Exit {
        let text = "trap '\(words)' TERM; echo > ready; while :; do sleep 1000 & wait; done"
        let attempt = bench.launch("a", .shell(text))
        _ = try await ready.read()
        bench.executor.cancel(attempt, force: false)
        return try await bench.exit(of: attempt)
    }

    @Test("cancelled by force, it ends even when it ignores the asking", arguments: Candidate.all)
    func forcedCancel(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let ready = try Signpost(bench.space, "ready")
        let text = "trap 'echo asked > ready' TERM; echo > ready; while :; do sleep 1000 & wait || :; done"
        let attempt = bench.launch("a", .shell(text))
        _ = try await ready.read()
        let pids = bench.processes(of: attempt)
        #expect(!pids.isEmpty)
        bench.executor.cancel(attempt, force: false)
        #expect(try await ready.read() == "asked")
        #expect(bench.ended == [])
        bench.executor.cancel(attempt, force: true)
        #expect(try await bench.exit(of: attempt) == candidate.killed(by: SIGKILL))
        #expect(bench.processes(of: attempt).isEmpty)
    }

    @Test("cancelled while it waits, it never runs", arguments: Candidate.all, [false, true])
    func cancelWaiting(_ candidate: Candidate, _ force: Bool) async throws {
        let bench = try await Bench(candidate, Candidate.Wish(slots: 1))
        let gate = try Signpost(bench.space, "gate")
        let blocker = bench.launch("a", .shell("read line < gate"))
        let second = bench.launch("b", .shell(": > ran"))
        let third = bench.launch("c", .shell(":"))
        try await bench.start(of: blocker)
        bench.executor.cancel(second, force: force)
        #expect(try await bench.exit(of: second) == .cancelled)
        try gate.write("go\n")
        #expect(try await bench.exit(of: blocker) == .code(0))
        #expect(try await bench.exit(of: third) == .code(0))
        #expect(bench.started == [blocker, third])
        #expect(!bench.space.exists("ran"))
    }

    @Test("to cancel what has ended, or what never was, is nothing", arguments: Candidate.all)
    func cancelUnknown(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate)
        let ended = bench.launch("a", .shell(":"))
        #expect(try await bench.exit(of: ended) == .code(0))
        var generator = SystemRandomNumberGenerator()
        for attempt in [ended, AttemptID(using: &generator)] {
            bench.executor.cancel(attempt, force: false)
            bench.executor.cancel(attempt, force: true)
        }
        #expect(try await bench.run("b", .shell(":")) == .code(0))
        #expect((bench.started.count, bench.ended.count) == (2, 2))
    }

    // MARK: Many

    /// Each task takes a token and gives it back before it ends: with more tasks than tokens at once one fails.
    @Test("never more at once than there are slots", arguments: Candidate.all)
    func many(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate, Candidate.Wish(slots: 4))
        #expect(bench.executor.slots == 4)
        let tokens = try Signpost(bench.space, "tokens")
        try tokens.write("tttt")
        let take = "dd if=tokens bs=1 count=1 iflag=nonblock of=/dev/null status=none"
        let launches = (0..<candidate.crowd).map { bench.prepare("t\($0)", .shell("\(take); printf t > tokens")) }
        bench.executor.launch(launches)
        for launch in launches {
            let (exit, log) = (try await bench.exit(of: launch.attempt), try bench.log(launch.workspace.task))
            #expect(exit == .code(0), "\(log)")
        }
        #expect(Set(bench.started).count == candidate.crowd)
        // An engine may have had something to say besides.
        #expect((bench.started.count, bench.ended.count) == (candidate.crowd, candidate.crowd))
    }

    /// Each of four tasks waits for the other three.
    @Test("as many at once as there are slots, and the next when one ends", arguments: Candidate.all)
    func allSlots(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate, Candidate.Wish(slots: 4))
        let (here, gate) = (try Signpost(bench.space, "here"), try Signpost(bench.space, "gate"))
        let launches = (0..<5).map { bench.prepare("t\($0)", .shell("echo > here; read line < gate")) }
        bench.executor.launch(launches)
        for _ in 0..<4 { _ = try await here.read() }
        for launch in launches.prefix(4) { try await bench.start(of: launch.attempt) }
        #expect(bench.ended == [])
        #expect(Set(bench.started) == Set(launches.prefix(4).map(\.attempt)))
        try gate.write("go\n")
        _ = try await here.read()
        try await bench.start(of: launches[4].attempt)
        #expect(bench.ended.count == 1)
        try gate.write("go\ngo\ngo\ngo\n")
        for launch in launches { #expect(try await bench.exit(of: launch.attempt) == .code(0)) }
    }

    @Test("they start in the order in which they were launched", arguments: Candidate.all)
    func order(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate, Candidate.Wish(slots: 1))
        let count = min(candidate.crowd, 30)
        let launches = (0..<count).map { bench.prepare("t\($0)", .shell("echo \($0) >> order")) }
        bench.executor.launch(Array(launches[..<(count / 3)]))
        for launch in launches[(count / 3)...] { bench.executor.launch([launch]) }
        for launch in launches { #expect(try await bench.exit(of: launch.attempt) == .code(0)) }
        #expect(bench.started == launches.map(\.attempt))
        #expect(try bench.space.read("order") == (0..<count).map { "\($0)\n" }.joined())
    }

    @Test("stopping ends what runs and what waits", arguments: Candidate.all)
    func stop(_ candidate: Candidate) async throws {
        let bench = try await Bench(candidate, Candidate.Wish(slots: 1))
        let ready = try Signpost(bench.space, "ready")
        let running = bench.launch("a", .shell("trap '' TERM; echo > ready; while :; do sleep 1000; done"))
        let waiting = bench.launch("b", .shell(": > ran"))
        _ = try await ready.read()
        #expect(!bench.processes(of: running).isEmpty)
        await bench.executor.stop()
        #expect(bench.processes(of: running).isEmpty)
        #expect(try await bench.exit(of: running) == .signal(SIGKILL))
        #expect(try await bench.exit(of: waiting) == .cancelled)
        #expect(!bench.space.exists("ran"))
    }
}
