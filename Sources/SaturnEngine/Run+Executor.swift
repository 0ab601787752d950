import SaturnCore

/// The beginning and the end of the executor's work for a run.
extension Run {
    func start() async throws {
        try await startExecutor()
        do {
            try endUnknown()
            try tellWhatIsGone()
            try committer.open()
        } catch {
            await executor.detach()
            throw error
        }
    }

    /// An engine may take its time, in which signals are heard.
    private func startExecutor() async throws {
        guard executor.outlivesSaturn else { return try executor.start { [inputs] in inputs.post(.executor($0)) } }
        let worker = try Worker()
        defer { worker.finish() }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            worker.start { [executor, inputs] in
                continuation.resume(with: Result { try executor.start { inputs.post(.executor($0)) } })
            }
        }
    }

    private func tellWhatIsGone() throws {
        guard executor.outlivesSaturn, options.signal == nil else { return }
        let gone = try Resumption.gone(preparation, executor)
        guard let first = gone.first else { return }
        let (what, again) =
            gone.count == 1
            ? ("'\(first)', which had begun,", "it is")
            : ("\(gone.count) tasks that had begun, '\(first)' for one,", "they are")
        observer.observe(.warning("what it ran on knows nothing of \(what) any more: \(again) run again"))
    }

    func takeLastWords(_ events: [ExecutorEvent]) {
        for event in events {
            switch event {
            case .notice(let words): observer.observe(.warning(words))
            // When nobody wanted it to stop, all has ended before.
            case .fatal(let failure) where summary.stoppedBy == nil: observer.observe(.warning(failure.message))
            case .fatal(let failure): attempt { throw failure }
            case .exited: take(event)
            case .started, .begunAnew: break
            }
        }
    }

    /// What an engine was told to kill has not ended, or nobody tells: its executor says at its own end. What has ended may
    /// take its time to come.
    var hasWaitedEnough: Bool {
        guard executor.outlivesSaturn, let stoppedAt, !attempts.isEmpty else { return false }
        return clock.uptime() - max(stoppedAt, executor.lastNews) > Int64((options.grace + 5) * 1e9)
    }

    /// What was spared, and is no engine's. Those of the attempts that are on this machine and in no folder of this run's may
    /// be those of the project that this one is a copy of.
    private func endUnknown() throws {
        guard executor.outlivesSaturn else { return }
        let candidates = try Resumption.candidates(preparation)
        guard case let known = candidates.filter(executor.knows), known.count < candidates.count else { return }
        let ended = try Survivors.end(of: nil, sparing: known, in: preparation.store.workplace)
        if let words = Survivors.words(ended) { observer.observe(.warning(words)) }
    }
}
