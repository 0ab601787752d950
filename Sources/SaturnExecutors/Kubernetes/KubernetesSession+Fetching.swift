import Glibc
import SaturnCore

/// How log and results come from pods.
extension KubernetesSession {
    /// So many logs are followed at once; each is a process on this machine. What has ended is fetched besides.
    private static let mostFollowed = 64
    private static let mostFetches = 80
    private static let mostTries = 8

    func follow(_ attempt: PodAttempt, _ now: Int64) {
        if attempt.isComplete { return settle(attempt) }
        guard attempt.fetch == nil, let pod = attempt.pod, pod.hasKeeper, now >= attempt.fetchAfter, !attempt.isShipping
        else { return }
        let isRunning = if case .running = pod.verdict { true } else { false }
        let open = attempts.values.count { $0.fetch != nil }
        guard open < (isRunning ? Self.mostFollowed : Self.mostFetches) else { return }
        attempt.stream = PodStream()
        attempt.heard = now
        let words = [
            "exec", pod.name, "-c", ClusterNames.keeper, "--", "sh", "\(ClusterNames.place)/fetch",
            "\(attempt.logSize)", "\(attempt.archiveSize)", attempt.isOver ? "yes" : "no",
        ]
        attempt.fetch = call(
            words, isShort: false,
            reader: { [unowned self, unowned attempt] bytes in take(bytes, of: attempt) },
            ended: { [unowned self, unowned attempt] outcome in
                attempt.fetch = nil
                fetched(attempt, outcome)
            })
    }

    private func take(_ bytes: UnsafeRawBufferPointer, of attempt: PodAttempt) {
        lastNews = Clocks.uptime()
        self.attempt {
            if try attempt.take(bytes) { ship(attempt) }
            if attempt.pod?.imageID != nil { tellStart(attempt) } else { nextLook = min(nextLook, lastNews) }
        }
    }

    private func fetched(_ attempt: PodAttempt, _ outcome: KubectlCall.Outcome) {
        let now = Clocks.uptime()
        guard outcome.status == 0, attempt.report != nil else { return tryAgain(attempt, outcome, now) }
        do {
            try attempt.finish()
            attempt.isComplete = true
            attempt.completeSince = now
            settle(attempt)
        } catch is ArchiveProblem {
            // Cut off on the way.
            attempt.forgetResults()
            tryAgain(attempt, outcome, now)
        } catch {
            fail(error)
        }
    }

    private func tryAgain(_ attempt: PodAttempt, _ outcome: KubectlCall.Outcome, _ now: Int64) {
        // The keeper's `fetch` may not be there yet, and a cluster may be away for any time.
        let problem = KubectlProblem(outcome.words)
        if attempt.report != nil, problem.kind == .other { attempt.fetches += 1 }
        if problem.kind == .forbidden { return fail(problem.failure) }
        if attempt.fetches >= Self.mostTries {
            return end(
                attempt, .lost("its results cannot be fetched: \(outcome.words.split(separator: "\n").last ?? "")"))
        }
        attempt.fetchAfter = now + (now - attempt.heard < Self.second ? Self.second : Self.second / 4)
        nextLook = min(nextLook, now)
    }

    /// Says how it ended, when all is known that decides that.
    func settle(_ attempt: PodAttempt) {
        guard let report = attempt.report else { return }
        if attempt.isCancelled, !attempt.hasBegun { return end(attempt, .cancelled) }
        let isLate = Clocks.uptime() - attempt.completeSince > 10 * Self.second
        if attempt.pod?.imageID == nil, attempt.hasBegun, !isLate { return nextLook = min(nextLook, Clocks.uptime()) }
        if let why = attempt.spoiled { return end(attempt, .lost(why)) }
        switch report.ending {
        case .timeout: return end(attempt, .timedOut)
        case .notStarted(let why): return end(attempt, .notStarted(why, code: report.code ?? 126))
        case .own where report.code == 0: return end(attempt, .code(0))
        case .asked where attempt.isCancelled:
            return end(attempt, report.code.map { $0 == 0 ? .gaveWay : .code($0) } ?? .signal(SIGTERM))
        case .own, .asked: break
        }
        guard let exit = verdict(report, attempt, isLate) else { return nextLook = min(nextLook, Clocks.uptime()) }
        end(attempt, exit)
    }

    /// `nil` when a look is needed to tell.
    private func verdict(_ report: PodReport, _ attempt: PodAttempt, _ isLate: Bool) -> Exit? {
        switch attempt.pod?.verdict {
        case .ended(let code, let reason):
            if reason == "OOMKilled" { return .outOfMemory(attempt.limit) }
            return report.ending == .asked ? asked(attempt) : .code(report.code ?? code)
        case .displaced(let why): return .displaced(why)
        // Another one comes, or a look says that none does.
        case .deleted: return report.ending == .asked ? nil : report.code.map { .code($0) }
        case .timedOut: return .timedOut
        default:
            guard isLate else { return nil }
            if report.ending == .asked { return asked(attempt) }
            return report.code.map { .code($0) } ?? .lost("its container ended without an exit code")
        }
    }

    private func asked(_ attempt: PodAttempt) -> Exit {
        .displaced("pod \(attempt.pod?.name ?? attempt.job) was asked to end")
    }

    /// Brings what its command needs to its pod.
    private func ship(_ attempt: PodAttempt) {
        let parcel = PodParcel(attempt.launch, cluster, syncs)
        guard !parcel.isEmpty, !attempt.isShipping, let pod = attempt.pod else { return }
        attempt.isShipping = true
        let archive = parcel.archive()
        let words = [
            "exec", "-i", pod.name, "-c", ClusterNames.keeper, "--", "sh", "\(ClusterNames.place)/fetch", "put",
        ]
        call(words, isShort: false, source: { try archive.next() }) { [unowned self] outcome in
            attempt.isShipping = false
            guard outcome.status != 0, attempts[attempt.id.description] === attempt else { return }
            attempt.failedShipments += 1
            // A fetch that begins anew asks for it again.
            attempt.fetch?.end()
            attempt.fetch = nil
            attempt.fetchAfter = Clocks.uptime() + Self.second
            guard attempt.failedShipments >= 5 else { return }
            discard(attempt.id.description, attempt.job)
            let why = outcome.words.split(separator: "\n").last.map(String.init) ?? "exit code \(outcome.status)"
            end(attempt, .notStarted("what it needs cannot be brought to its pod: \(why)", code: 126))
        }
    }
}
