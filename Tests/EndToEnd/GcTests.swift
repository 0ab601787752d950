import Glibc
import Testing

/// `saturn gc` and `saturn pin`: what is deleted, what never is, and what a kill leaves.
@Suite(.ownThread) struct GcTests {
    /// Tasks a and b ran twice, with another command each time: the first result of both is in the attic.
    private func makeSession() throws -> Session {
        let session = try Session()
        session.environment["RAN"] = session.space.path("ran")
        try session.write(
            "run.yaml",
            """
            name: sweep
            defaults: {code: none}
            tasks:
              - {name: a, command: echo A1 >> $RAN; echo A1 > $RESULTS_DIR/x}
              - {name: b, command: echo B1 >> $RAN; echo B1 > $RESULTS_DIR/x}
            results: {class_spec: LocalDir, directory: results}

            """)
        #expect(try session.saturn("run", "-j1").status == 0)
        try turn(session, to: 2)
        #expect(try session.saturn("run", "-j1").status == 0)
        return session
    }

    private func turn(_ session: Session, to number: Int) throws {
        let text = try session.read("run.yaml")
        let turned = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.replacing(#/([AB])\d+/#) { "\($0.output.1)\(number)" }
        }
        try session.write("run.yaml", turned.joined(separator: "\n"))
    }

    /// Without what differs from one machine to the next: times and sizes on the disk.
    private func plain(_ text: String) -> String {
        text.replacing(#/\d{4}-\d\d-\d\d \d\d:\d\d UTC/#, with: "DATE").replacing(
            #/ *\d+(\.\d)? [kMG]?B/#, with: " SIZE")
    }

    private func attic(_ session: Session) throws -> [String] {
        let attic = "results/.saturn/attic"
        guard session.exists(attic) else { return [] }
        return try session.names(attic).flatMap { try session.names("\(attic)/\($0)") }
    }

    // MARK: What it says and does

    @Test func nothingIsOld() throws {
        let session = try makeSession()
        let gc = try session.saturn("gc")
        #expect(gc.status == 0)
        #expect(gc.err.isEmpty)
        #expect(
            plain(gc.out) == """
                nothing to delete
                kept: 2 superseded results ( SIZE)
                other limits: --keep-last 1 would free SIZE, --all SIZE

                """)
        #expect(try attic(session).count == 2)
    }

    @Test func dryRun() throws {
        let session = try makeSession()
        let before = try session.listing()
        for arguments in [["--all"], ["--name", "sweep", "--results"], ["--keep-last", "1"], []] {
            let line = (["saturn", "gc", "-n"] + arguments).joined(separator: " ")
            #expect(try session.shell(line).status == 0)
            #expect(try difference(before, session.listing()) == [], "\(line)")
        }
        #expect(
            plain(try session.saturn("gc", "--dry-run", "--all").out) == """
                a  superseded DATE SIZE  --all
                b  superseded DATE SIZE  --all
                would free SIZE: 2 superseded results

                """)
    }

    @Test func all() throws {
        let session = try makeSession()
        let gc = try session.saturn("gc", "--all")
        #expect(gc.status == 0)
        #expect(
            plain(gc.out) == """
                a  superseded DATE SIZE  --all
                b  superseded DATE SIZE  --all
                freed SIZE: 2 superseded results

                """)
        #expect(try attic(session).isEmpty)
        #expect(try session.names("results/.saturn/trash").isEmpty)
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        try turn(session, to: 1)
        #expect(try session.saturn("run", "-j1").status == 0)
        #expect(try session.read(session.space.path("ran")) == "A1\nB1\nA2\nB2\nA1\nB1\n", "they had to run again")
    }

    @Test func keepLast() throws {
        let session = try makeSession()
        try turn(session, to: 3)
        #expect(try session.saturn("run", "-j1").status == 0)
        #expect(
            plain(try session.saturn("gc", "--keep-last", "2").out) == """
                a  superseded DATE SIZE  not among the last 2
                b  superseded DATE SIZE  not among the last 2
                freed SIZE: 2 superseded results
                kept: 2 superseded results ( SIZE)
                other limits: --keep-last 1 would free SIZE, --all SIZE

                """)
        try turn(session, to: 2)
        #expect(try session.saturn("run").out == "sweep: 2 restored (T)\nresults: ~/results\n")
    }

    @Test func wrongUse() throws {
        let session = try makeSession()
        for (arguments, words) in [
            ("gc --older-than soon", "--older-than wants a duration"), ("gc --keep-last 0", "--keep-last wants"),
            ("gc --max-size much", "--max-size wants a size"), ("gc --results", "--results wants a run"),
            ("gc --name nobody", "no run named 'nobody'"), ("pin", "Name the tasks to pin"),
            ("pin c", "run 'sweep' has no task 'c'"), ("pin a --name nobody", "no run named 'nobody'"),
        ] {
            let run = try session.shell("saturn \(arguments)")
            #expect(run.status == 2, "\(arguments)")
            #expect(run.err.contains(words), "\(arguments): \(run.err)")
        }
        #expect(try attic(session).count == 2)
    }

    // MARK: A run's results

    @Test func theResultsOfARun() throws {
        let session = try makeSession()
        try session.write("results/mine", "mine")
        let gc = try session.saturn("gc", "--name", "sweep", "--results", "--all")
        #expect(gc.status == 0)
        #expect(
            plain(gc.out) == """
                a  superseded DATE SIZE  --all
                a  result     DATE SIZE  --results
                b  superseded DATE SIZE  --all
                b  result     DATE SIZE  --results
                freed SIZE: 2 superseded results, 2 results
                forgot 1 run without results: sweep

                """)
        #expect(try session.names("results") == [".saturn", "mine"])
        #expect(try session.saturn("status").status == 2)
        #expect(try session.saturn("run").status == 0)
    }

    @Test func beingUsed() throws {
        let session = try makeSession()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        try session.append("run.yaml", "")
        try session.replace("echo A2 >> $RAN;", "echo $$ > \(here.path); read line < \(go.path);", in: "run.yaml")
        let run = try session.background("run")
        _ = try here.line()
        for options in ["--name sweep --results", "-n --name sweep --results"] {
            let gc = try session.shell("saturn gc \(options)")
            #expect(gc.status == 4)
            #expect(gc.err.contains("in use by process PID on HOST (saturn run"), "\(gc.err)")
        }
        // Beside it, only what is superseded goes.
        #expect(try session.saturn("gc", "--all").status == 0)
        #expect(try attic(session).isEmpty)
        go.send()
        #expect(try run.ended().status == 0)
        #expect(try session.read("results/a/results/x") == "A2\n")
        #expect(try session.read("results/b/results/x") == "B2\n")
    }

    // MARK: Pins

    /// Names with more bytes than characters, in every place of a path.
    @Test(arguments: ["日本", "ñandú", "🙂", "a\u{301}"]) func namesThatAreLongInBytes(_ name: String) throws {
        let session = try Session()
        for text in ["one", "two"] {
            try session.write(
                "\(name)/run.yaml",
                "name: \(name)\ndefaults: {code: none}\ntasks: [{name: \(name), command: echo \(text)}]\n")
            #expect(try session.saturn("run", in: name).status == 0)
        }
        #expect(try session.saturn("pin", name, in: name).out == "\(name): pinned\n")
        #expect(try session.saturn("gc", "--all", in: name).out.contains("freed "))
        let results = try session.saturn("gc", "--name", name, "--results", in: name)
        #expect(results.out.contains("1 pinned"), "\(results.out)\(results.err)")
        #expect(try session.saturn("pin", "--remove", name, in: name).status == 0)
        #expect(try session.saturn("gc", "--name", name, "--results", in: name).status == 0)
        #expect(!session.exists("\(name)/results/\(name)/\(name)"))
    }

    /// A task that was stopped goes on from its checkpoint, whatever gc is asked to delete.
    @Test func checkpointsOfWhatWasCutOffStay() throws {
        let session = try Session()
        let kept = "echo half > $SATURN_CHECKPOINT_DIR/x"
        try session.write(
            "run.yaml", "name: c\ndefaults: {code: none}\ntasks: [{name: a, command: '\(kept); exit 3'}]\n")
        #expect(try session.saturn("run").status == 1)
        #expect(try session.saturn("gc", "--all").out.hasPrefix("nothing to delete\n"))
        #expect(try session.shell("cat results/c/.saturn/checkpoints/*/x").out == "half\n")
    }

    @Test func pins() throws {
        let session = try makeSession()
        #expect(try session.saturn("pin", "b").out == "b: pinned\n")
        #expect(try session.saturn("pin", "--name", "sweep").out == "a: pinned\nb: already pinned\n")
        #expect(try session.saturn("pin", "a", "--remove").out == "a: not pinned any more\n")
        #expect(try session.saturn("pin", "a", "--remove").out == "a: was not pinned\n")
        #expect(try session.saturn("plan", "--exit-code").status == 0, "a pin changes no result")
        // It goes into the attic with its result, and needs no ledger.
        try turn(session, to: 3)
        #expect(try session.saturn("run", "-j1").status == 0)
        #expect(try attic(session).count == 4)
        #expect(try session.saturn("gc", "--all").out.contains("kept: 1 pinned ("))
        #expect(try attic(session).count == 1)
        try turn(session, to: 2)
        #expect(try session.saturn("run", "-j1").out == "sweep: 1 succeeded, 1 restored (T)\nresults: ~/results\n")
        let gc = try session.saturn("gc", "--name", "sweep", "--results")
        #expect(
            plain(gc.out) == """
                a  result     DATE SIZE  --results
                freed SIZE: 1 result
                kept: 2 superseded results ( SIZE), 1 pinned ( SIZE)
                other limits: --keep-last 1 would free SIZE, --all SIZE

                """)
        #expect(session.exists("results/b/status") && !session.exists("results/a"))
    }

    @Test func onlyWhatIsFinishedIsPinned() throws {
        let session = try Session()
        let (here, go) = (try Meeting(session.space.path("here")), try Meeting(session.space.path("go")))
        try session.write(
            "run.yaml",
            """
            name: busy
            defaults: {code: none}
            tasks:
              - {name: a, command: echo $$ > \(here.path); read line < \(go.path)}

            """)
        let run = try session.background("run")
        _ = try here.line()
        let pin = try session.saturn("pin", "a")
        #expect(pin.status == 2)
        #expect(pin.err.contains("task 'a' has no finished result to pin"))
        go.send()
        #expect(try run.ended().status == 0)
        #expect(try session.saturn("pin", "a").status == 0)
    }

    // MARK: Faults

    @Test func whatCannotBeListed() throws {
        let session = try makeSession()
        try session.replace("directory: results", "directory: second", in: "run.yaml")
        #expect(try session.saturn("run", "--name", "second").status == 0)
        try session.write("second/.saturn/attic", "a file")
        let before = try session.listing()
        let gc = try session.saturn("gc", "--all")
        #expect(gc.status == 3)
        #expect(gc.err.contains("~/second/.saturn/attic"), "\(gc.err)")
        #expect(gc.out.isEmpty)
        #expect(try attic(session).count == 2)
        let changed = try difference(before, session.listing()).filter { !$0.contains("/.saturn/ledger.sqlite") }
        #expect(changed == [])
    }

    @Test func plantedLinks() throws {
        let session = try makeSession()
        let outside = session.space.path("outside")
        try session.write(outside + "/file", "mine")
        let key = try #require(try session.names("results/.saturn/attic").first)
        try session.space.link(session.path("results/.saturn/attic/\(key)/link"), to: outside)
        try session.space.link(session.path("results/.saturn/attic/link"), to: outside)
        let attempt = try #require(try session.names("results/.saturn/attic/\(key)").first { $0 != "link" })
        try session.space.link(session.path("results/.saturn/attic/\(key)/\(attempt)/results/link"), to: outside)
        let gc = try session.saturn("gc", "--all")
        #expect(gc.status == 0)
        #expect(gc.out.contains("not saturn's, left alone: ~/results/.saturn/attic/"))
        #expect(gc.out.contains(" and 1 more\n"))
        #expect(try session.read(outside + "/file") == "mine")
        #expect(session.exists("results/.saturn/attic/link"))
    }

    /// Two projects with one results folder: each deletes only what is its own.
    @Test func anotherProject() throws {
        let session = try makeSession()
        let text = try session.read("run.yaml")
        try session.write(
            "other/run.yaml",
            text.replacing("name: a", with: "name: c").replacing("name: b", with: "name: d")
                .replacing("directory: results", with: "directory: ../results"))
        #expect(try session.saturn("run", in: "other").status == 0)
        let gc = try session.saturn("gc", "--all", in: "other")
        #expect(gc.status == 0)
        #expect(gc.out == "nothing to delete\nkept: 2 of other projects\n")
        #expect(try attic(session).count == 2)
        #expect(try session.saturn("gc", "--all").status == 0)
        #expect(try attic(session).isEmpty)
    }
}
