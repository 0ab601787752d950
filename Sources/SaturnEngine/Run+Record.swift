import CSystem
import Glibc
import SaturnCore

/// What the ledger is told of the run itself: that it has begun, and how it ended.
extension Run {
    func record() throws {
        var record = RunRecord(
            name: preparation.run, specName: preparation.spec.name?.value, file: options.file,
            location: preparation.store.location, state: .running, started: options.started ?? clock.now())
        record.arguments = options.arguments
        for task in preparation.graph.nodes.indices where preparation.plan.decisions[task] == nil {
            attempts.results[task] = options.earlier[preparation.graph.nodes[task].name]?.attempt
        }
        var tasks = taskRecords()
        // They have not stopped for that.
        for task in tasks.indices where executor.outlivesSaturn && tasks[task].state == .waiting {
            if options.earlier[tasks[task].name]?.state == .running { tasks[task].state = .running }
        }
        try committer.commit(journal.begin(record, tasks: tasks), at: clock.now())
    }

    func taskRecord(_ task: Int) -> TaskRecord {
        let name = preparation.graph.nodes[task].name
        let culprit = summary.blockedBy[task].map { "needs \(preparation.graph.nodes[$0].name)" }
        let isLeftAsItWas = preparation.plan.decisions[task] == nil
        let note =
            summary.causes[task]?.text ?? pauses[task] ?? culprit ?? (isLeftAsItWas ? options.earlier[name]?.note : nil)
        return TaskRecord(
            name: name, index: task, state: summary.states[task],
            attempt: attempts.results[task], note: note)
    }

    /// Notes that a task waits to be tried again.
    func pause(_ task: Int, _ cause: Cause, _ delay: Double) {
        summary.states[task] = .waiting
        let time = clock.now().microseconds + Int64(delay * 1e6)
        let clockTime = Timestamp(microseconds: time).description.dropFirst(11).prefix(8)
        let when = delay > 0 ? " at \(clockTime) UTC" : ""
        pauses[task] = "\(cause.text); attempt \(attempts.number(of: task) + 1) follows\(when)"
        journal.set(taskRecord(task))
    }

    private func taskRecords() -> [TaskRecord] { preparation.graph.nodes.indices.map(taskRecord) }

    /// What cannot be written only saves time.
    private func keepTrace(_ token: [UInt8]) {
        guard summary.notReusable.isEmpty,
            let trace = (try? Trace(preparation, attempts: attempts.results, token: token)) ?? nil
        else { return }
        try? options.trace?.write(trace)
    }

    /// Writes down how far it came, as a run that somebody else goes on with.
    func leave() throws -> Summary {
        committer.finish()
        do {
            try committer.check()
            for task in attempts.underWay { journal.set(taskRecord(task)) }
            let (changes, batch) = try journal.take()
            noticeChanges(changes)
            try committer.commit(batch, at: clock.now())
            try preparation.store.finish()
        } catch {
            try? preparation.store.finish()
            // The first fault is the one to report.
            throw failure ?? error
        }
        if let failure { throw failure }
        summary.isHandedOver = true
        summary.tasks = taskRecords()
        summary.duration = Double(clock.uptime() - began) / 1e9
        return summary
    }

    func end() throws -> Summary {
        committer.finish()
        attempt { try committer.check() }
        for task in scheduler.unstarted {
            summary.states[task] = .skipped
            journal.set(taskRecord(task))
        }
        if isDraining, summary.states.contains(.skipped) { summary.stoppedBy = summary.stoppedBy ?? SIGTERM }
        let isComplete = summary.states.allSatisfy { $0.hasResult || $0 == .excluded }
        let state: RunRecord.State =
            summary.stoppedBy != nil || failure != nil ? .stopped : isComplete ? .succeeded : .failed
        let exitCode: Int32? = summary.stoppedBy.map { 128 + $0 } ?? (failure != nil ? nil : isComplete ? 0 : 1)
        do {
            csystem_step("end.begin")
            let token = state == .succeeded ? journal.addTrace(options.trace) : nil
            let (changes, batch) = try journal.end(state, exitCode: exitCode)
            noticeChanges(changes)
            try committer.commit(batch, at: clock.now())
            try preparation.store.finish()
            if let token { keepTrace(token) }
        } catch  where failure != nil {
            try? preparation.store.finish()
            // The first fault is the one to report.
        }
        if let failure { throw failure }
        summary.hasSuperseded = attempts.hasEvicted
        summary.tasks = taskRecords()
        summary.duration = Double(clock.uptime() - began) / 1e9
        return summary
    }
}
