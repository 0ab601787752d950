import SaturnCore
import Testing

@Suite struct FieldChangeTests {
    private func changes(_ change: (inout Manifest) -> Void) -> [FieldChange] {
        var manifest = Manifest(command: .shell("train --lr 0.5", shell: Command.defaultShell))
        manifest.env = [Variable("A", "1"), Variable("B", "")]
        manifest.passEnv = [Manifest.Value("HOME", nil)]
        manifest.inputs = [Manifest.Value("data.csv", "old")]
        let before = manifest
        change(&manifest)
        let found = FieldChange.between(before.fields, and: manifest.fields)
        // The words cannot disagree with the decision.
        #expect(found.isEmpty == (before.key == manifest.key))
        return found
    }

    @Test func nothingChanged() {
        #expect(changes { _ in }.isEmpty)
    }

    @Test func aCommandIsShownWithoutItsShell() {
        #expect(
            changes { $0.command = .shell("train --lr 0.6", shell: Command.defaultShell) }
                == [FieldChange(field: "command", old: "train --lr 0.5", new: "train --lr 0.6")])
    }

    @Test func aChangedShellIsShown() {
        #expect(
            changes { $0.command = .shell("train --lr 0.5", shell: ["bash", "-c"]) }
                == [
                    FieldChange(
                        field: "command", old: "/bin/sh -ec train --lr 0.5", new: "bash -c train --lr 0.5")
                ])
    }

    @Test func aDirectCommandIsShownWhole() {
        var old = Manifest(command: .direct(["python", "train.py", "0.5"]))
        let before = old.fields
        old.command = .direct(["python", "train.py", "0.6"])
        #expect(
            FieldChange.between(before, and: old.fields)
                == [FieldChange(field: "command", old: "python train.py 0.5", new: "python train.py 0.6")])
    }

    @Test func aLongerShellIsLeftOutToo() {
        let shell = ["bash", "-euo", "pipefail", "-c"]
        var manifest = Manifest(command: .shell("one", shell: shell))
        let before = manifest.fields
        manifest.command = .shell("two", shell: shell)
        #expect(
            FieldChange.between(before, and: manifest.fields)
                == [FieldChange(field: "command", old: "one", new: "two")])
    }

    @Test func valuesChangeComeAndGo() {
        #expect(
            changes { $0.env = [Variable("A", "2"), Variable("C", "")] }
                == [
                    FieldChange(field: "env.A", old: "1", new: "2"), FieldChange(field: "env.C", old: nil, new: ""),
                    FieldChange(field: "env.B", old: "", new: nil),
                ])
    }

    @Test func notSetIsNotEmpty() {
        #expect(
            changes { $0.passEnv[0].text = "" } == [FieldChange(field: "pass_env.HOME", old: nil, new: "")])
    }

    @Test func aVariableThatIsNotSetIsStillAChangeWhenItIsNew() {
        #expect(
            changes { $0.passEnv.append(Manifest.Value("LANG", nil)) }
                == [FieldChange(field: "pass_env.LANG", old: nil, new: nil)])
    }

    @Test func aFieldWithoutNamesHasOnlyItsLabel() {
        #expect(changes { $0.workdir = "sub" } == [FieldChange(field: "workdir", old: "", new: "sub")])
    }

    @Test func fieldsComeInTheManifestsOrder() {
        let fields = changes {
            $0.executor = [Manifest.Value("image", "x")]
            $0.inputs = []
            $0.command = .direct(["x"])
            $0.needs = [Manifest.Value("A", "1")]
        }.map(\.field)
        #expect(fields == ["command", "inputs.data.csv", "needs.A", "executor.image"])
    }

    @Test func aFieldThatAnotherVersionHadIsTold() {
        let old = [Manifest.Field("code", []), Manifest.Field("former", [Manifest.Value("x", "1")])]
        let new = [Manifest.Field("code", [])]
        #expect(
            FieldChange.between(old, and: new) == [FieldChange(field: "former.x", old: "1", new: nil)])
    }

    /// Swift calls these texts equal; their bytes, and so their keys, are not.
    @Test func textsThatOnlyLookAlikeAreAChange() {
        #expect(changes { $0.workdir = "" }.isEmpty)
        var manifest = Manifest(command: .direct(["caf\u{e9}"]))
        manifest.env = [Variable("NAME", "\u{e9}")]
        let before = manifest
        manifest.env = [Variable("NAME", "e\u{301}")]
        try? #require(before.key != manifest.key)
        #expect(FieldChange.between(before.fields, and: manifest.fields).map(\.field) == ["env.NAME"])
        manifest = before
        manifest.command = .direct(["cafe\u{301}"])
        #expect(FieldChange.between(before.fields, and: manifest.fields).map(\.field) == ["command"])
    }
}
