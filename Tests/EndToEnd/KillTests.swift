import Foundation
import Glibc
import SaturnTesting
import Testing

/// Row 13 of faults.md: saturn is killed again and again, at moments spread over a whole run.
@Suite(.ownThread) struct KillTests {
    /// Between kills the run file changes: everything anew, back to an earlier state, tasks that trade places.
    @Test func atRandomMoments() throws {
        let seed = SeededGenerator.chosenSeed
        var random = SeededGenerator(seed: seed)
        let whole = try Self.durationOfAWholeRun()
        // Those that only bring results back take less. Both change with what else this machine does.
        var seconds: [KilledSweep.Edit: Double] = [.anew: whole, .restoring: whole / 2]
        let sweep = try KilledSweep()
        var (kills, round) = (0, 0)
        // Where a run ends before its moment it was none: that round is one more, with a moment from what it took.
        while kills < 200 {
            round += 1
            try #require(round <= 600, "\(kills) kills; a run takes \(seconds); seed \(seed)")
            let edit = try sweep.edit(&random)
            let moment = Double.random(in: 0...1.1, using: &random) * (seconds[edit] ?? whole)
            let begin = Date()
            let status = try sweep.run(killedAfter: moment)
            #expect(status == 137 || status == 0, "round \(round), seed \(seed)")
            if status == 0, edit != .none { seconds[edit] = Date().timeIntervalSince(begin) }
            kills += status == 137 ? 1 : 0
            let problems = try sweep.check()
            try #require(problems == [], "round \(round), after \(moment) s, seed \(seed)")
        }
        let durations = seconds.map { "\($0) \(String(format: "%.2f", $1)) s" }.sorted().joined(separator: ", ")
        print("\(kills) kills in \(round) rounds; a run takes: \(durations); seed \(seed)")
        let last = try sweep.session.saturn("run")
        #expect(last.status == 0, "\(last.err)")
        #expect(try sweep.check() == [], "seed \(seed)")
        #expect(try sweep.missing() == [], "seed \(seed)")
        #expect(try sweep.session.saturn("plan", "--exit-code").status == 0)
        #expect(try sweep.session.attemptsThatRun() == [], "seed \(seed)")
        #expect(sweep.versionsMade > 20, "little was new: seed \(seed)")
    }

    /// Seconds, from nothing to 200 results.
    private static func durationOfAWholeRun() throws -> Double {
        let sweep = try KilledSweep()
        let begin = Date()
        let run = try sweep.session.saturn("run")
        let duration = Date().timeIntervalSince(begin)
        guard run.status == 0, try sweep.check() == [], try sweep.missing() == [] else {
            throw SessionProblem("the run that nobody kills fails: \(run.err)")
        }
        return duration
    }
}

/// A run of 200 tasks, and what is known of its results: a job in a version has one key, whatever task it is.
///
/// Every execution first writes its attempt's id to a file outside of the layout, then its results in several
/// steps, the last of which completes them.
private final class KilledSweep {
    private struct Job: Hashable, CustomStringConvertible {
        var number: Int
        var version: Int
        var description: String { "\(number) \(version)" }
    }

    /// What an edit makes of the next run.
    enum Edit { case none, anew, restoring }

    private static let size = 200
    private static let folder = "results/killed"
    let session: Session
    /// On a disk in memory the rounds need not wait for a real one, which has others' files to bring in safety too.
    private let disk: SmallDisk?
    private(set) var versionsMade = 1
    private var version = 1
    /// Task n has job n + this.
    private var shift = 0
    /// Complete results that were on disk after some round: none of these may be executed again, or go.
    private var done: Set<Job> = []
    /// By the inode of `status`.
    private var sound: [UInt64: Job] = [:]
    private var executed = 0
    private var wasKilled = false

    init() throws {
        session = try Session()
        disk = SmallDisk.isPossible ? try SmallDisk(at: session.folder, megabytes: 1024) : nil
        session.environment["RAN"] = session.space.path("ran")
        try session.space.write("ran", "")
        try writeRunFile()
    }

    deinit { disk?.unmount() }

    /// Changes the run file; what a kill left undone may go on as it is.
    func edit(_ random: inout SeededGenerator) throws -> Edit {
        var edit = Edit.restoring
        switch Int.random(in: wasKilled ? 0..<8 : 2..<8, using: &random) {
        case 0, 1: edit = .none
        case 2: version = Int.random(in: 1...versionsMade, using: &random)
        case 3: shift = Int.random(in: 0..<Self.size, using: &random)
        default:
            edit = .anew
            versionsMade += 1
            version = versionsMade
        }
        try writeRunFile()
        return edit
    }

    private func writeRunFile() throws {
        let tasks = (0..<Self.size).map { task in
            "  - {name: t\(task), env: {JOB: '\((task + shift) % Self.size)', VERSION: '\(version)'}}\n"
        }
        try session.write(
            "run.yaml",
            """
            name: killed
            defaults:
              code: none
              command: |
                x="$SATURN_ATTEMPT_ID $JOB $VERSION"
                echo "$x" >> $RAN
                echo begin
                for file in a b c; do echo "first $x" > $RESULTS_DIR/$file; done
                for file in a b c; do echo "second $x" >> $RESULTS_DIR/$file; done
                echo "$x" > $RESULTS_DIR/sum
                echo end
            tasks:
            \(tasks.joined())
            """)
    }

    /// Its exit status; 137 after the kill.
    func run(killedAfter seconds: Double) throws -> Int32 {
        // timeout takes 0 for never.
        let time = String(format: "%.6f", max(seconds, 0.000_1))
        let status = try session.background(shell: "exec timeout -s KILL \(time) \"$0\" run").ended().status
        wasKilled = status == 137
        return status
    }

    /// What is wrong with what is on disk now, and with what has been executed since the last look.
    func check() throws -> [String] {
        let text = try session.read(session.space.path("ran"))
        // A task that outlived the kill may be writing the last line.
        let lines = text.prefix(upTo: text.lastIndex(of: "\n") ?? text.startIndex).split(separator: "\n")
        var problems = lines[executed...].compactMap { line in
            let words = line.split(separator: " ").compactMap { Int($0) }
            guard let number = words.dropLast().last, let version = words.last else { return "odd line: \(line)" }
            let job = Job(number: number, version: version)
            return done.contains(job) ? "executed again: \(job)" : nil
        }
        executed = lines.count
        for task in 0..<Self.size {
            let folder = "\(Self.folder)/t\(task)"
            guard session.exists("\(folder)/status"), try session.read("\(folder)/status") == "success" else {
                continue
            }
            let (job, problem) = try complete(folder)
            if let job { done.insert(job) } else { problems.append(problem) }
        }
        return problems
    }

    /// The job that a folder holds the whole result of; else what is wrong with it.
    private func complete(_ folder: String) throws -> (job: Job?, problem: String) {
        // Nothing is ever deleted here, so a file's number is always the same file's.
        let inode = try session.inode("\(folder)/status")
        if let known = sound[inode] { return (known, "") }
        let events = try session.read("\(folder)/events")
        guard let attempt = events.firstMatch(of: /attempt: "?([-0-9a-f]+)/).map({ String($0.1) }),
            events.contains("  - type: complete\n")
        else { return (nil, "\(folder): events: \(events)") }
        let names = try session.exists("\(folder)/results") ? session.names("\(folder)/results") : []
        guard names == ["a", "b", "c", "sum"] else { return (nil, "\(folder): \(names), attempt \(attempt)") }
        let texts = try names.map { try session.read("\(folder)/results/\($0)") }
        let words = texts[3].split { $0.isWhitespace }
        guard words.count == 3, words[0] == attempt, let number = Int(words[1]), let version = Int(words[2]),
            texts[..<3].allSatisfy({ $0 == "first \(texts[3])second \(texts[3])" }),
            try session.read("\(folder)/log") == "begin\nend\n"
        else { return (nil, "\(folder): \(texts), attempt \(attempt), log \(try session.read("\(folder)/log"))") }
        let job = Job(number: number, version: version)
        sound[inode] = job
        return (job, "")
    }

    /// What is not there though it was, or though its task is complete: the standing and the superseded are counted.
    func missing() throws -> [String] {
        var found: Set<Job> = []
        for task in 0..<Self.size {
            let wanted = Job(number: (task + shift) % Self.size, version: version)
            let job =
                session.exists("\(Self.folder)/t\(task)/status") ? try complete("\(Self.folder)/t\(task)").job : nil
            guard job == wanted else { return ["t\(task) has \(job?.description ?? "nothing"), not \(wanted)"] }
            found.insert(wanted)
        }
        let attic = "\(Self.folder)/.saturn/attic"
        for key in session.exists(attic) ? try session.names(attic) : [] {
            for attempt in try session.names("\(attic)/\(key)") {
                let folder = "\(attic)/\(key)/\(attempt)"
                if session.exists("\(folder)/status"), let job = try complete(folder).job { found.insert(job) }
            }
        }
        return done.subtracting(found).map { "lost: \($0)" }.sorted()
    }
}

extension Session {
    /// Process numbers of tasks of this session that still run, and of what those started.
    func attemptsThatRun() throws -> [String] {
        try space.list("/proc").filter { name in
            guard Int(name) != nil, let bytes = try? space.readBytes("/proc/\(name)/environ") else { return false }
            let variables = String(decoding: bytes, as: UTF8.self).split(separator: "\0")
            return variables.contains { $0.hasPrefix("SATURN_ATTEMPT_ID=") }
                && variables.contains { $0.hasPrefix("SATURN_RESULTS_DIR=\(space.folder)/") }
        }
    }
}
