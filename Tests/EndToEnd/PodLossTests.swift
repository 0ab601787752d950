import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// Pods of a real Kubernetes cluster that somebody deletes, and places that they have in common.
@Suite(.ownThread, .enabled(if: KubernetesStage.isInstalled, KubernetesStage.reason), .timeLimit(.minutes(25)))
struct PodLossTests {
    /// A task that has nothing to show for itself when it is asked to end, and ends without an error all the same.
    private static let polite = """
        echo a >> $RAN; echo begun; trap 'echo part > $RESULTS_DIR/v; echo asked; exit 0' TERM; (\(EngineStage.wait)) & wait $!; \
        echo whole > $RESULTS_DIR/v
        """

    /// By whoever drains a node, preempts or deletes: its Job makes another one, and `retries` is not asked. Two pods of an
    /// attempt may overlap for a while, also on a claim.
    @Test(arguments: [false, true]) func itIsDeleted(_ onAClaim: Bool) throws {
        let stage = try KubernetesStage()
        let claim = onAClaim ? try Claim(stage) : nil
        try stage.write("[{name: a, command: \"\(Self.polite)\"}]", more: claim?.setting ?? "")
        let run = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        try waitUntil("its log is here") { (try? stage.session.read("results/a/log")) == "begun\n" }
        let logs = try stage.session.background("logs", "-f", "a")
        try logs.waitForOutput("begun\n")
        try stage.cluster.kubectl("delete", "pods", "-l", "stage=\(stage.label)", "--wait=false")
        try waitForEnd(of: pid)
        try stage.arrived()
        try logs.waitForErrors("saturn: it begins anew\n")
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(end.err.contains(" is no more, and it begins anew in saturn-stage-a-"), "\(end.err)")
        #expect(try logs.ended().out.hasSuffix("begun\n"))
        try expectWhole(stage)
        try claim?.remove()
    }

    /// The one before it keeps what nobody has fetched for as long as it may.
    @Test func itIsDeletedWhileNobodyIsThere() throws {
        let stage = try KubernetesStage()
        let claim = try Claim(stage)
        try stage.write("[{name: a, command: \"\(Self.polite)\"}]", more: claim.setting)
        let killed = try stage.session.background("run")
        let pid = try stage.arrived()[0]
        killed.signal(SIGKILL)
        try killed.ended()
        try stage.cluster.kubectl("delete", "pods", "-l", "stage=\(stage.label)", "--wait=false")
        try waitForEnd(of: pid)
        try stage.arrived()
        let run = try stage.session.background("run")
        try waitUntil("its log is here") { (try? stage.session.read("results/a/log")) == "begun\n" }
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        try expectWhole(stage)
        try claim.remove()
    }

    private func expectWhole(_ stage: KubernetesStage) throws {
        #expect(try stage.ran() == ["a", "a"])
        #expect(try stage.session.read("results/a/results/v") == "whole\n")
        #expect(try stage.session.read("results/a/log") == "begun\n")
        #expect(try stage.left().isEmpty)
    }

    /// Log and results are on it while the task runs, and not when they are here.
    @Test func aVolumeClaim() throws {
        let stage = try KubernetesStage(seesFolder: false)
        let claim = try Claim(stage)
        try stage.write("[{name: a, command: \"echo out; echo 1 > $RESULTS_DIR/v\"}]", more: claim.setting)
        let run = try stage.session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(try stage.session.read("results/a/log") == "out\n")
        #expect(try stage.session.read("results/a/results/v") == "1\n")
        let left = try stage.session.shell("find '\(claim.folder)' -type f; ls '\(claim.folder)'").out
        #expect(left == "saturn\n", "its folder was used, and is empty: \(left)")
        try claim.remove()
    }

    /// A volume of the cluster that is a folder of the session.
    private struct Claim {
        let folder: String
        private let stage: KubernetesStage
        private let file: String

        var setting: String { "volume_claim: \"claim-\(stage.label)\"" }

        init(_ stage: KubernetesStage) throws {
            self.stage = stage
            folder = stage.session.space.path("volume")
            file = stage.session.path("claim.yaml")
            mkdir(folder, 0o755)
            try stage.session.write(
                "claim.yaml",
                """
                ---
                {apiVersion: v1, kind: PersistentVolume, metadata: {name: "volume-\(stage.label)"}, spec: {capacity: {storage: 1Gi},
                  accessModes: [ReadWriteMany], hostPath: {path: "\(folder)"}, storageClassName: "\(stage.label)"}}
                ---
                {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: "claim-\(stage.label)"}, spec: {
                  accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}, storageClassName: "\(stage.label)"}}
                """)
            try stage.cluster.kubectl("create", "-f", file)
        }

        func remove() throws { try stage.cluster.kubectl("delete", "-f", file, "--wait=false") }
    }
}
