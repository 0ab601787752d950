import SaturnCore
import Testing

@testable import SaturnCommands

/// Changes in words.
@Suite struct ChangeTextTests {
    private func words(_ changes: [FieldChange], needs: [String: String] = [:]) -> [String] {
        ChangeText(changes: changes, needs: needs).phrases
    }

    private func change(
        _ field: String, _ old: String?, _ new: String?, _ files: [FileChange] = []
    ) -> FieldChange {
        var change = FieldChange(field: field, old: old, new: new)
        change.files = files
        return change
    }

    @Test(
        arguments: [
            ("command", "t --lr 0.8", "t --lr 0.9", "command: --lr 0.8 → --lr 0.9"),
            ("params.lr", "0.1", "0.2", "params lr: 0.1 → 0.2"), ("env.LR", "0.5", "0.6", "env LR: 0.5 → 0.6"),
            ("env.LR", nil, "0.6", "env LR: not set → 0.6"),
            ("pass_env.CUDA_VISIBLE_DEVICES", "0", nil, "pass_env CUDA_VISIBLE_DEVICES: 0 → not set"),
            ("workdir", "", "sub", "workdir: . → sub"),
            ("inputs.data/train.csv", "1", "2", "inputs: data/train.csv changed"),
            ("inputs.x.csv", nil, "2", "inputs: x.csv added"), ("inputs.x.csv", "1", nil, "inputs: x.csv removed"),
            ("code.tree", "1", "2", "code changed"), ("code.job.sh", "1", "2", "code: job.sh changed"),
            ("code.commit", "0123456789abcdef", "fedcba9876543210", "code: commit 0123456789ab → fedcba987654"),
            ("needs.PART_1", "1", "2", "needs: results of part-1 changed"),
            ("needs.PART_1", nil, "2", "needs: part-1 added"),
            ("needs.OLD_ONE", "1", nil, "needs: old_one removed"),
            ("context.SATURN_TASK", "says", "tells", "context SATURN_TASK: says → tells"),
            ("executor.image", "a", "b", "executor image: a → b"),
        ] as [(String, String?, String?, String)])
    func eachField(field: String, old: String?, new: String?, text: String) {
        #expect(words([change(field, old, new)], needs: ["PART_1": "part-1"]) == [text])
    }

    @Test func filesOfCode() {
        let files = [
            FileChange("lib/model.py", .changed, isUncommitted: true), FileChange("lib/x.py", .added),
            FileChange("old.py", .removed), FileChange("y.py", .changed), FileChange("z.py", .changed),
        ]
        #expect(words([change("code.tree", "1", "2", [files[0]])]) == ["code: lib/model.py changed (uncommitted)"])
        #expect(
            words([change("code.tree", "1", "2", files)]) == [
                "code: lib/model.py changed (uncommitted), lib/x.py added, old.py removed and 2 more"
            ])
    }

    @Test func filesOfAFolder() {
        let files = [FileChange("train.csv", .changed), FileChange("deep/x", .added)]
        for name in ["data", "data/"] {
            #expect(
                words([change("inputs.\(name)", "1", "2", files)])
                    == ["inputs: data/train.csv changed, data/deep/x added"])
        }
        #expect(
            words([change("needs.PREPARE", "1", "2", files)])
                == ["needs: results of prepare changed (train.csv, deep/x added)"])
    }

    @Test func manyOfAKindAreOnePhrase() {
        let inputs = (1...5).map { change("inputs.\($0).csv", "1", "2") }
        #expect(
            words([change("env.A", "1", "2")] + inputs + [change("code.tree", "1", "2")]) == [
                "env A: 1 → 2", "inputs: 1.csv changed, 2.csv changed, 3.csv changed and 2 more", "code changed",
            ])
    }

    @Test func valuesOfVariablesCanBeKeptBack() {
        var text = ChangeText(changes: [
            change("env.TOKEN", "secret", "other"), change("pass_env.B", nil, "x"), change("params.lr", "1", "2"),
        ])
        text.showsVariables = false
        #expect(text.phrases == ["env TOKEN changed", "pass_env B changed", "params lr: 1 → 2"])
    }

    @Test func whatAParameterExplainsIsNotSaidTwice() {
        let parameter = change("params.lr", "0.1", "0.2")
        let explained = [change("command", "t --lr 0.1", "t --lr 0.2"), change("env.LR", "0.1", "0.2")]
        #expect(ChangeText.telling([explained[0], parameter, explained[1]]) == [parameter])
        let more = change("command", "t --lr 0.1", "t -v --lr 0.2")
        #expect(ChangeText.telling([more, parameter]) == [parameter, more])
        let removed = change("params.x", "1", nil)
        #expect(ChangeText.telling([explained[0], removed]) == [removed, explained[0]])
    }

    @Test func whatTasksHaveInCommonIsShort() {
        var problems: [Diagnostic] = []
        let reasons = ReasonText(graph: Graph([], problems: &problems))
        let changes = [
            change("command", "a", "b"), change("env.A", "1", "2"), change("inputs.x", "1", "2"),
            change("inputs.y", "1", "2"), change("code.tree", "1", "2"), change("needs.X", "1", "2"),
        ]
        #expect(
            reasons.category(.changed(changes)) == "command, env A, inputs, code, results of needed tasks changed")
    }
}
