import SaturnCore
import Testing

@testable import SaturnCommands

@Suite struct CommandLineSweepTests {
    private func file(_ sweep: [String], _ command: [String], name: String? = nil) throws -> String {
        try CommandLineSweep(sweep, command: command, name: name).runFile()
    }

    @Test func aProgramWithItsArguments() throws {
        #expect(
            try file(["lr=0.10,1e-3,no", "seed=1..5", "d=-1..1..0.5"], ["python3", "-c", "x", "--lr", "{lr}", "a b"])
                == """
                name: python3
                tasks:
                  - name: "python3-lr={lr}-seed={seed}-d={d}"
                    command: [python3, -c, x, --lr, "{lr}", "a b"]
                    sweep:
                      grid:
                        lr: [0.10, 1e-3, no]
                        seed: {range: [1, 5]}
                        d: {range: [-1, 1, 0.5]}

                """)
    }

    @Test func oneWordIsALineForTheShell() throws {
        #expect(
            try file(["x=a b,\"q\",é"], ["./sim.sh {x} | tee \"$RESULTS_DIR/out\""], name: "try 1")
                == """
                name: "try 1"
                tasks:
                  - name: "try 1-x={x}"
                    command: "./sim.sh {x} | tee \\"$RESULTS_DIR/out\\""
                    sweep:
                      grid:
                        x: ["a b", "\\"q\\"", "é"]

                """)
    }

    @Test func seenFromElsewhere() throws {
        let sweep = try CommandLineSweep([], command: ["true"], name: nil)
        #expect(
            sweep.runFile(workdir: "../../a: b")
                == """
                name: true
                results: {class_spec: LocalDir, directory: "../../a: b/results/{name}"}
                tasks:
                  - name: true
                    workdir: "../../a: b"
                    command: true

                """)
    }

    @Test(arguments: [
        (["lr"], ["x"], "--sweep 'lr' is not NAME=VALUES"), (["=1"], ["x"], "--sweep '=1' is not NAME=VALUES"),
        (["lr="], ["x"], "--sweep 'lr=' has an empty value"),
        (["lr=1,,2"], ["x"], "--sweep 'lr=1,,2' has an empty value"),
        (["s=1..3,7"], ["x"], "--sweep 's=1..3,7' has a range among others"),
        (["s=0.1..1"], ["x"], "the range '0.1..1' has no step"),
        (["lr=1", "lr=2"], ["x"], "--sweep has the parameter 'lr' twice"), (["lr=1"], [], "--sweep wants a command"),
    ])
    func refused(_ sweep: [String], _ command: [String], _ message: String) {
        #expect { try file(sweep, command) } throws: { ($0 as? Failure)?.message == message }
    }

    @Test(arguments: ["a/b", "../../evil", "..", ""])
    func namesThatAreNone(_ name: String) {
        #expect(throws: Failure.self) { try file(["lr=1"], ["x"], name: name) }
    }

    @Test(arguments: [["lr=1,1"], ["l r=1"], ["a b=1"]])
    func whatARunFileMayNotHave(_ sweep: [String]) throws {
        let sweep = try CommandLineSweep(sweep, command: ["echo", "{lr}"], name: nil)
        #expect(throws: Diagnostics.self) { try sweep.check(overrides: []) }
    }

    @Test(arguments: [
        (["FOO=1 BAR=2 ./sim.sh {x}"], "sim"), (["env"], "env"), (["a{x}"], "sweep"),
        (["/usr/bin/python3", "-V"], "python3"),
    ])
    func names(_ command: [String], _ name: String) throws {
        #expect(try CommandLineSweep([], command: command, name: nil).name == name)
    }

    /// What is not a range is a text.
    @Test(arguments: ["../a", "a..b", "1..", "1..2..3..4"])
    func dotsThatAreNoRange(_ values: String) throws {
        #expect(try !file(["x=\(values)"], ["t"]).contains("range"))
    }

    @Test(arguments: [
        ("/a/b", "/a/c/d", "../../b"), ("/a", "/a/.saturn/sweeps", "../.."), ("/", "/s", ".."), ("/a", "/a", "."),
    ])
    func relative(_ path: String, _ folder: String, _ expected: String) {
        #expect(SweepFile.relative(path, from: folder) == expected)
    }
}
