import Engines
import Foundation
import SaturnTesting
import Testing

/// What cannot be, on a real cluster: a sentence each, before anything runs.
@Suite(.ownThread, .enabled(if: KubernetesStage.isInstalled, KubernetesStage.reason), .timeLimit(.minutes(25)))
struct KubernetesProblemTests {
    private func refusal(_ settings: String..., status: Int32 = 3) throws -> String {
        let stage = try KubernetesStage(tasks: "[{name: a, command: \"true\"}]", seesFolder: false)
        let words = settings.flatMap { ["--set", $0.replacingOccurrences(of: "FOLDER", with: stage.cluster.folder)] }
        let run = try stage.session.saturn(["run"] + words)
        #expect(run.status == status, "\(run.out)\(run.err)")
        #expect(!stage.session.exists("results/a/log"))
        #expect(try stage.left().isEmpty)
        return run.err
    }

    @Test(arguments: [
        ("executor.kubeconfig=FOLDER/away.kubeconfig", "the cluster does not answer: ", "was refused"),
        ("executor.kubeconfig=FOLDER/none", "kubectl's configuration cannot be read: ", "executor.kubeconfig names it"),
        ("executor.context=nowhere", "there is no context 'nowhere' in kubectl's configuration", "kubectl config"),
        ("executor.namespace=nowhere", "there is no namespace 'nowhere' on the cluster", "kubectl create namespace"),
        ("executor.kubeconfig=FOLDER/reader.kubeconfig", "the cluster does not allow", "create pods/exec"),
        ("executor.kubeconfig=FOLDER/nobody.kubeconfig", "the cluster does not know who is asking", "kubectl get jobs"),
    ]) func whoIsRefused(_ setting: String, _ sentence: String, _ detail: String) throws {
        let words = try refusal(setting)
        #expect(words.contains("saturn: error: \(sentence)"), "\(words)")
        #expect(words.contains(detail), "\(words)")
    }

    @Test func noKubectl() throws {
        let stage = try KubernetesStage(tasks: "[{name: a, command: \"true\"}]", seesFolder: false)
        let run = try stage.session.saturn("run", env: ["PATH": stage.session.space.folder])
        #expect(run.status == 3)
        #expect(run.err.contains("saturn: error: cannot execute 'kubectl': command not found\n"), "\(run.err)")
    }

    @Test func aPodThatIsNone() throws {
        let words = try refusal("executor.pod={nodeSelectr: {a: b}}")
        #expect(words.contains("saturn: error: executor.pod is not what the cluster takes: "), "\(words)")
        #expect(words.contains("nodeSelectr") && !words.contains("--validate"), "\(words)")
    }

    @Test(arguments: [
        ("executor.pod={hostPID: true}", "'hostPID'"), ("executor.pod={spec: {}}", "what stands under a pod's 'spec'"),
        ("executor.image_pull_policy=Sometimes", "'Sometimes' is no image_pull_policy"),
        ("executor.labels=x", "'labels' is a mapping"), ("executor.imag=x", "did you mean 'image'"),
        ("executor.labels={a: b c}", "'b c' cannot be the value of a label"),
        ("executor.pod={activeDeadlineSeconds: 2}", "'activeDeadlineSeconds' is saturn's"),
        ("executor.pod={containers: 5}", "'containers' is a list"),
        ("executor.pod={containers: [{name: task, command: [x]}]}", "'command' of the container 'task' is saturn's"),
    ]) func settings(_ setting: String, _ words: String) throws {
        let said = try refusal(setting, status: 2)
        #expect(said.contains(words), "\(said)")
    }

    @Test(arguments: [
        ("resources: {license: 1}", "'license' is no resource of Kubernetes"),
        ("resources: {gpus: 0.5}", "Kubernetes has no fractions of gpus"),
    ]) func resources(_ field: String, _ words: String) throws {
        let stage = try KubernetesStage(tasks: "[{name: a, command: \"true\", \(field)}]", seesFolder: false)
        let plan = try stage.session.saturn("plan")
        #expect(plan.status == 2 && plan.err.contains(words), "\(plan.err)")
    }

    @Test func imagesElsewhere() throws {
        let session = try Session()
        try session.write("run.yaml", "tasks: [{name: a, command: \"true\", image: x}]\n")
        let plan = try session.saturn("plan")
        #expect(
            plan.status == 2 && plan.err.contains("'a' has an 'image', and Multiprocessing has none"), "\(plan.err)")
    }
}
