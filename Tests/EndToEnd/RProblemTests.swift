import Engines
import Foundation
import Glibc
import SaturnTesting
import Testing

/// Plans that R does not have or cannot make, packages that are missing, settings that are none.
@Suite(.ownThread, .enabled(if: RStage.isInstalled, RStage.reason), .timeLimit(.minutes(25)))
struct RProblemTests {
    @Test func anUnknownPlan() throws {
        let stage = try RStage(tasks: "[\"true\"]", plan: "plan: multisesion")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.hasSuffix(
                """
                saturn: error: R's futures have no plan 'multisesion'
                  hint: multisession, multicore, cluster, or PACKAGE::PLAN of a package that is installed

                """), "\(run.err)")
        // A bridge that has said why it cannot go on ends a moment later.
        while try !stage.left().isEmpty { poll(nil, 0, 20) }
        #expect(try stage.session.saturn("plan").out == "stage: 1 task\n  run      1  new (0)\n")
    }

    @Test func aPlanOfAMissingPackage() throws {
        let stage = try RStage(tasks: "[\"true\"]", plan: "plan: future.nowhere::cloud")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.contains("error: R has no package 'future.nowhere', which the plan names\n  hint: "), "\(run.err)")
        #expect(run.err.contains("-e 'install.packages(\"future.nowhere\")'"), "\(run.err)")
    }

    /// All of them in one sentence.
    @Test func packagesAreMissing() throws {
        let stage = try RStage(tasks: "[\"true\"]")
        // Where Debian keeps them.
        stage.session.environment["R_LIBS_SITE"] = "/nowhere"
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.contains(/error: \S+ \(R 4\.\S+\) has no packages 'future', 'processx', 'jsonlite'\n/), "\(run.err)"
        )
        #expect(run.err.contains(" -e 'install.packages(c(\"future\", \"processx\", \"jsonlite\"))'\n"), "\(run.err)")
    }

    @Test func rIsMissing() throws {
        let stage = try RStage(tasks: "[\"true\"]")
        let path = try stage.session.saturn("run", "--set", "executor.rscript=/nowhere/Rscript")
        #expect(path.err.contains("error: cannot execute '/nowhere/Rscript': command not found"), "\(path.err)")
        let run = try stage.session.saturn("run", "--set", "executor.rscript=no-such-R")
        #expect(run.status == 3)
        #expect(
            run.err.contains(
                "error: cannot execute 'no-such-R': command not found\n  hint: executor.rscript names another"),
            "\(run.err)")
    }

    /// It would be waited for, for ever: whoever was to let it in does not.
    @Test func aSessionThatDoesNotBegin() throws {
        let stage = try RStage(
            tasks: "[\"true\"]",
            plan: "plan: cluster, workers: [elsewhere], connect_timeout: 3, \"plan_args\": {rshcmd: /bin/false}")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(run.err.contains("error: the plan 'cluster' cannot be made: "), "\(run.err)")
        while try !stage.left().isEmpty { poll(nil, 0, 50) }
    }

    /// As on another machine: nothing of the session's folder is there.
    @Test func workersThatDoNotSeeTheDisk() throws {
        let stage = try RStage(tasks: "[\"true\"]")
        let folder = stage.session.space.folder
        let hide = "mount -t tmpfs none '\(folder)' && exec /usr/bin/Rscript \"$@\""
        try stage.session.space.write(
            "blind-Rscript", "#!/bin/sh\nexec unshare -m sh -c '\(hide.replacing("'", with: "\""))' sh \"$@\"\n",
            executable: true)
        let run = try stage.session.saturn(
            "run", "--set", "executor.plan=cluster", "--set",
            "executor.plan_args={rscript: \(stage.session.space.path("blind-Rscript"))}")
        #expect(run.status == 3)
        #expect(
            run.err.contains(
                "error: the R worker on localhost does not see ~/.saturn/bridges/stage/r: they have to share a disk"),
            "\(run.err)")
    }

    /// There is no Slurm here: what the run has is kept for another try, and not tried for ever.
    @Test func futuresThatFailAtOnce() throws {
        let stage = try RStage(
            tasks: "[{name: a, command: echo a >> $RAN}]", plan: "plan: future.batchtools::batchtools_slurm")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(run.err.contains("error: R's workers fail at once: "), "\(run.err)")
        let again = try stage.session.saturn("run", "--set", "executor.plan=multisession")
        #expect(again.status == 0, "\(again.err)")
        #expect(try stage.ran() == ["a"])
        // A bridge that has said why it cannot go on ends a moment later.
        while try !stage.left().isEmpty { poll(nil, 0, 20) }
    }

    @Test func anArgumentThatThePlanDoesNotHave() throws {
        let stage = try RStage(
            tasks: "[\"true\"]", plan: "plan: future.batchtools::batchtools_local, plan_args: {nonsense: 1}")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.contains("error: the plan 'future.batchtools::batchtools_local' cannot be made: "), "\(run.err)")
        #expect(run.err.contains("nonsense"), "\(run.err)")
    }

    /// On this one there is nobody who would let anybody in.
    @Test func aHostThatIsNone() throws {
        let stage = try RStage(
            tasks: "[\"true\"]", plan: "plan: cluster, workers: [no-such-host.invalid]")
        let run = try stage.session.saturn("run")
        #expect(run.status == 3)
        #expect(
            run.err.contains("error: the plan 'cluster' cannot be made: ssh does not get into no-such-host.invalid"),
            "\(run.err)")
        #expect(
            run.err.contains("hint: 'ssh HOST Rscript --version' has to work without a question; see "), "\(run.err)")
        // A bridge that has said why it cannot go on ends a moment later.
        while try !stage.left().isEmpty { poll(nil, 0, 20) }
    }

    /// By the plan already, with its place.
    @Test func whatThePlanFindsWrong() throws {
        let session = try Session()
        try session.write(
            "run.yaml",
            """
            executor:
              class_spec: RFutureExecutor
              plan: ""
              rscript: ""
              workers: 0
              connect_timeout: 0
              plan_args: {workers: 2}
            tasks: ["true"]

            """)
        let plan = try session.saturn("plan")
        #expect(plan.status == 2, "\(plan.out)")
        #expect(
            plan.err.split(separator: "\n").filter { $0.hasPrefix("run.yaml") } == [
                "run.yaml:3:9: error: 'plan' is empty; without it, it is multisession",
                "run.yaml:4:12: error: 'rscript' is empty; without it, it is Rscript",
                "run.yaml:5:12: error: 'workers' is how many, at least 1, or a list of hosts; workers: 4, or workers: [node1, node2]",
                "run.yaml:6:20: error: a duration is more than 0 and at most 3650 days, not '0'",
                "run.yaml:7:24: error: 'plan_args' has 'workers'; executor.workers names them",
            ], "\(plan.err)")
        for workers in ["1.5", "{a: 1}", "[]", "[\"\"]", "-1", "[[a]]"] {
            let wrong = try session.saturn(
                "plan", "--set", "executor={class_spec: RFutures, plan: cluster, workers: \(workers)}")
            #expect(wrong.status == 2 && wrong.err.contains("'workers' is how many"), "\(workers): \(wrong.err)")
        }
        let one = try session.saturn("plan", "--set", "executor={class_spec: RFutures, plan: sequential, workers: 2}")
        #expect(one.err.contains("the plan 'sequential' has one worker and no 'workers'"), "\(one.err)")
        let hosts = try session.saturn("plan", "--set", "executor={class_spec: RFutures, workers: [a, b]}")
        #expect(hosts.err.contains("the plan 'multisession' has no hosts"), "\(hosts.err)")
    }

    /// What a batch system is told is in files.
    @Test func secretsOfABatchSystem() throws {
        let stage = try RStage(
            tasks: "[{name: a, command: \"true\", secrets: [TOKEN]}]",
            plan: "plan: future.batchtools::batchtools_local")
        stage.session.environment["TOKEN"] = "hunter2"
        let run = try stage.session.saturn("run")
        #expect(run.status == 2)
        #expect(
            run.err.contains("'a' has the secret 'TOKEN', and this plan writes what it is told to files"), "\(run.err)")
    }
}
