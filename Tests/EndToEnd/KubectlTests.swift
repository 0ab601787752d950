import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// By whom and by what a real Kubernetes cluster is reached, and what is lost on the way.
@Suite(.ownThread, .enabled(if: KubernetesStage.isInstalled, KubernetesStage.reason), .timeLimit(.minutes(25)))
struct KubectlTests {
    /// They have the rights that README names, and no others.
    @Test(arguments: ["sweeper", "confidant"]) func whoMayDoJustWhatIsNeeded(_ user: String) throws {
        let stage = try KubernetesStage()
        let secrets = user == "confidant" ? "secrets: [TOKEN], " : ""
        try stage.write(
            """
            [{name: a, \(secrets)command: "echo a >> $RAN; echo 1 > $RESULTS_DIR/v; exit 3", retries: 1},
             {name: b, \(secrets)command: "echo b >> $RAN; \(EngineStage.wait)"}]
            """)
        stage.session.environment["TOKEN"] = "hunter2"
        try stage.session.replace(
            stage.cluster.kubeconfig, "\(stage.cluster.folder)/\(user).kubeconfig", in: "run.yaml")
        let run = try stage.session.background("run")
        try run.waitForErrors("a failed: exit code 3")
        let pids = try stage.arrived()
        #expect(try stage.session.read("results/a/results/v") == "1\n")
        run.signal(SIGKILL)
        let words = try run.ended().err
        #expect(!words.contains("warning:"), "\(words)")
        try stage.expectTerminate(run, true, ends: pids, begun: 3)
    }

    /// saturn has its values, and makes it again.
    @Test func itsSecretIsDeleted() throws {
        let stage = try KubernetesStage()
        try stage.write(
            """
            [{name: a, secrets: [TOKEN], command: "\(EngineStage.wait)"},
             {name: b, secrets: [TOKEN], needs: [a], command: "echo $TOKEN > $RESULTS_DIR/v"}]
            """)
        stage.session.environment["TOKEN"] = "hunter2"
        let run = try stage.session.background("run")
        try stage.arrived()
        try stage.cluster.kubectl("delete", "secrets", "-l", "stage=\(stage.label)")
        stage.release()
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        #expect(try stage.session.read("results/b/results/v") == "hunter2\n")
        #expect(try stage.left().isEmpty)
    }

    /// The real `kubectl`, before which a shell does something.
    private func wrapKubectl(_ stage: KubernetesStage, _ lines: String) throws -> [String: String] {
        let script = "#!/bin/sh\nPATH=${PATH#*:}\n\(lines)\nexec kubectl \"$@\"\n"
        try stage.session.write("bin/kubectl", script, executable: true)
        let path = stage.session.environment["PATH"] ?? ""
        return ["PATH": "\(stage.session.path("bin")):\(path)"]
    }

    /// Before Jobs are created.
    private func atCreation(_ line: String) -> String { "case \" $* \" in *\" create -f - \"*) \(line) ;; esac" }

    /// What a saturn asks of a cluster is not asked any more when that saturn is killed.
    @Test func itsKubectlEndsWithIt() throws {
        let stage = try KubernetesStage()
        try stage.write("[{name: a, command: \"echo a >> $RAN\"}]")
        let coming = try Meeting(stage.session.space.path("coming"))
        let run = try stage.session.background(
            "run", env: wrapKubectl(stage, atCreation("echo $$ > '\(coming.path)'; sleep 1")))
        let pid = try #require(pid_t(try coming.line()))
        run.signal(SIGKILL)
        try run.ended()
        try waitForEnd(of: pid)
        #expect(try stage.left().isEmpty)
        #expect(try stage.session.saturn("run").status == 0)
        #expect(try stage.ran() == ["a"])
        #expect(try stage.left().isEmpty)
    }

    /// What the cluster makes for one that was killed, after the next one has looked, goes.
    @Test func aJobComesLate() throws {
        let stage = try KubernetesStage()
        try stage.write("[{name: a, command: \"\(EngineStage.wait)\"}]")
        let late = stage.session.space.path("late")
        let run = try stage.session.background("run", env: wrapKubectl(stage, atCreation("exec cat > '\(late)'")))
        try waitUntil("kubectl has its Job") { (try? stage.session.read(late).hasSuffix("}")) == true }
        run.signal(SIGKILL)
        try run.ended()
        let next = try stage.session.background("run")
        try stage.arrived()
        let name = try stage.cluster.kubectl("create", "-f", late, "-o", "name").dropLast()
        try waitUntil("the late Job is gone", every: 100) { try !stage.left().contains(name) }
        stage.release(2)
        #expect(try next.ended().status == 0)
        #expect(try stage.left().isEmpty)
    }

    /// All of them are told at once; it is said when that takes its time, and two at once there never are.
    @Test func earlierAttemptsTakeTheirTime() throws {
        let stage = try KubernetesStage()
        try stage.write("[{name: t, command: \"echo a >> $RAN; \(EngineStage.wait)\", sweep: {repeats: 4}}]")
        let killed = try stage.session.background("run")
        let pids = try stage.arrived(4)
        killed.signal(SIGKILL)
        try killed.ended()
        try stage.write("[{name: t, command: \"echo b >> $RAN\", sweep: {repeats: 4}}]")
        let asked = stage.session.space.path("asked")
        let slow =
            "case \" $* \" in *\" delete jobs,pods \"*) [ -e '\(asked)' ] || { : > '\(asked)'; sleep 12; } ;; esac"
        let run = try stage.session.background("run", env: wrapKubectl(stage, slow))
        try run.waitForErrors("earlier attempts must end first\n")
        #expect(try stage.ran() == ["a", "a", "a", "a"])
        let end = try run.ended()
        #expect(end.status == 0, "\(end.out)\(end.err)")
        for pid in pids { #expect(!isRunning(pid)) }
        #expect(try stage.ran() == ["a", "a", "a", "a", "b", "b", "b", "b"])
        #expect(try stage.left().isEmpty)
    }

    /// A server that stands still refuses nothing: here it is its kubectl that does.
    @Test func theClusterIsSilent() throws {
        let stage = try KubernetesStage()
        try stage.write("[{name: a, command: \"\(EngineStage.wait)\"}]")
        let silent = stage.session.space.path("silent")
        let deaf = "case \" $* \" in *\" get jobs,pods \"*) while [ -e '\(silent)' ]; do sleep 0.2; done ;; esac"
        let run = try stage.session.background("run", env: wrapKubectl(stage, deaf))
        try stage.arrived()
        try stage.session.write(silent, "")
        try run.waitForErrors("the cluster does not answer; tasks go on there, and saturn waits for it\n")
        unlink(silent)
        try run.waitForErrors("the cluster answers again\n")
        stage.release()
        #expect(try run.ended().status == 0)
    }

    /// As kubectl itself takes it: from where its user is.
    @Test func aConfigurationOfTheEnvironment() throws {
        let stage = try KubernetesStage(tasks: "[{name: a, command: \"true\"}]")
        try stage.session.replace("kubeconfig: \(stage.cluster.kubeconfig)", "keep_for: 1h", in: "run.yaml")
        try stage.session.shell("mkdir other && cp '\(stage.cluster.kubeconfig)' other/config")
        let run = try stage.session.saturn("run", "../run.yaml", in: "other", env: ["KUBECONFIG": "config"])
        #expect(run.status == 0, "\(run.err)")
    }
}
