import SaturnCore

/// What the cluster says of the run's Jobs and pods.
extension KubernetesSession {
    func look() {
        isLooking = true
        let asked = Clocks.uptime()
        call(["get", "jobs,pods", "-l", selector, "-o", "json"]) { [unowned self] outcome in
            isLooking = false
            nextLook = pendingCancels.isEmpty ? Clocks.uptime() + interval : 0
            guard outcome.status == 0 else {
                let problem = KubectlProblem(outcome.words)
                if problem.kind == .away || problem.kind == .stranger { return isAway(problem) }
                return fail(problem.failure)
            }
            isBack()
            attempt {
                take(try Self.objects(outcome.output))
                cancelPending(since: asked)
            }
        }
    }

    /// What is followed says itself when it ends.
    private var interval: Int64 {
        let isQuiet =
            held.isEmpty && attempts.values.allSatisfy { $0.fetch != nil && $0.isStartTold && $0.report == nil }
        return isQuiet ? 5 * Self.second : Self.second
    }

    private func take(_ objects: [ClusterObject]) {
        discardStrays(objects)
        admit(objects)
        var jobs: [String: Bool] = [:]
        var pods: [String: ClusterObject] = [:]
        for object in objects {
            guard let id = object.label(ClusterNames.attempt) else { continue }
            if object.kind == "Job" {
                if object.metadata.deletionTimestamp == nil { jobs[id] = object.isOver }
            } else if let other = pods[id], isNewer(other, than: object) {
                continue
            } else {
                pods[id] = object
            }
        }
        for (id, attempt) in attempts where attempt.isMade {
            take(attempt, jobIsOver: jobs[id], pods[id].map { PodState($0) })
        }
    }

    /// What a saturn that was killed had asked for, and the cluster made only after this one had looked.
    private func discardStrays(_ objects: [ClusterObject]) {
        for job in objects where job.kind == "Job" && job.metadata.deletionTimestamp == nil {
            guard let id = job.label(ClusterNames.attempt), jobs[id] == nil, !superfluous.has(id) else { continue }
            discard(id, job.metadata.name)
        }
    }

    private func isNewer(_ pod: ClusterObject, than other: ClusterObject) -> Bool {
        let (first, second) = (pod.metadata.creationTimestamp ?? "", other.metadata.creationTimestamp ?? "")
        // Of one second: the one that stays.
        return (first, pod.metadata.deletionTimestamp == nil ? 1 : 0) > (
            second, other.metadata.deletionTimestamp == nil ? 1 : 0
        )
    }

    /// - Parameter jobIsOver: it makes no other pod; `nil` when there is no Job any more.
    private func take(_ attempt: PodAttempt, jobIsOver: Bool?, _ pod: PodState?) {
        let earlier = attempt.pod
        if let pod { attempt.pod = pod }
        // What it has said itself is all that counts, unless it was made to end: there may be another pod.
        if attempt.isComplete, !attempt.wasMadeToEnd { return settle(attempt) }
        guard let pod else {
            attempt.absences = jobIsOver == false ? 0 : attempt.absences + 1
            guard attempt.absences >= 2 else { return }
            let name = earlier.map { "pod \($0.name)" } ?? "its pod"
            return end(attempt, jobIsOver == nil ? .lost("its Job was deleted") : .displaced("\(name) is no more"))
        }
        attempt.absences = 0
        if let earlier, earlier.uid != pod.uid {
            attempt.beginAnew()
            events.append(.begunAnew(attempt.id))
            events.append(
                .notice("'\(attempt.filler.task)': pod \(earlier.name) is no more, and it begins anew in \(pod.name)"))
        }
        if case .deleted(let why) = pod.verdict {
            if jobIsOver != false, !attempt.hasSucceeded { end(attempt, .displaced(why)) }
            return
        }
        if let keeperEnd = pod.keeperEnd { return endWithoutKeeper(attempt, pod, keeperEnd) }
        judge(attempt, pod)
    }

    private func judge(_ attempt: PodAttempt, _ pod: PodState) {
        let now = Clocks.uptime()
        switch pod.verdict {
        case .impossible(let why, let code): return end(attempt, .notStarted(why, code: code))
        case .doubtful(let why):
            let since = attempt.doubtSince ?? now
            attempt.doubtSince = since
            if now - since >= 60 * Self.second { return end(attempt, .notStarted(why, code: 126)) }
            if why.contains(manifest.secretName), !secrets.values.isEmpty, !attempt.hasSecretAgain {
                // Somebody has deleted it; the node tries again by itself.
                attempt.hasSecretAgain = true
                applySecret { _ in }
            }
            if now - since >= 10 * Self.second {
                say("\(why); trying for a minute", about: attempt)
            }
        case .deleted: break
        case .displaced(let why):
            // It has ended before, and what is left of it is on its way.
            if attempt.hasSucceeded, attempt.fetch != nil { return }
            end(attempt, .displaced(why))
        case .timedOut: end(attempt, .timedOut)
        case .waiting(let why): wait(attempt, why, now)
        case .ended:
            attempt.doubtSince = nil
            // Its first process may be gone without a word.
            if attempt.report == nil, attempt.fetch != nil, !attempt.isOver, now - attempt.heard > 3 * Self.second {
                attempt.isOver = true
                attempt.fetch?.end()
                attempt.fetch = nil
                attempt.fetchAfter = 0
            }
        case .running: attempt.doubtSince = nil
        }
    }

    private func wait(_ attempt: PodAttempt, _ why: String?, _ now: Int64) {
        attempt.doubtSince = nil
        guard let limit = cluster.scheduleTimeout, Double(now - attempt.since) > limit * 1e9, !attempt.isGivenUp else {
            return
        }
        attempt.isGivenUp = true
        reason(of: attempt, why) { [unowned self] why in
            guard attempts[attempt.id.description] === attempt, !hasBegun(attempt) else { return }
            let what = attempt.pod?.isPlaced == true ? "did not begin" : "found no place"
            let words = why.map { ": \($0)" } ?? ""
            end(attempt, .notStarted("its pod \(what) in \(Int(limit)) s\(words)", code: 126))
        }
    }

    /// Nobody can fetch anything any more.
    private func endWithoutKeeper(_ attempt: PodAttempt, _ pod: PodState, _ why: String) {
        guard attempt.fetch == nil || attempt.report == nil else { return }
        switch pod.verdict {
        case .displaced(let why), .deleted(let why): end(attempt, .displaced(why))
        case .timedOut: end(attempt, .timedOut)
        case .impossible(let why, let code): end(attempt, .notStarted(why, code: code))
        case .ended(let code, _) where why == "Completed":
            let kept = "nobody fetched them in time (executor.keep_for)"
            end(attempt, .lost("it had ended with exit code \(code); log and results are gone: \(kept)"))
        default: end(attempt, .lost("the container that kept its log and results has ended: \(why)"))
        }
    }

    // MARK: Why something waits

    /// Told of what has no place for half a minute, from what the cluster says of its pod, its Job and itself.
    func searchForReasons(_ now: Int64) {
        nextSearch = now + 15 * Self.second
        let stuck = attempts.values.filter { attempt in
            guard attempt.isMade, attempt.start == nil, now - attempt.since > 20 * Self.second else { return false }
            if case .waiting = attempt.pod?.verdict { return true }
            return attempt.pod == nil
        }
        guard let one = stuck.min(by: { $0.since < $1.since }) else { return }
        var known: String?
        if case .waiting(let why) = one.pod?.verdict { known = why }
        let task = one.filler.task
        reason(of: one, known) { [unowned self] why in why.map { tell(task, stuck.count, $0) } }
    }

    /// Why it does not begin: what its pod says of that, or else the cluster's last warning. Who may not read events hears
    /// none.
    private func reason(of attempt: PodAttempt, _ known: String?, _ body: @escaping (String?) -> Void) {
        if let known { return body(known) }
        call([
            "get", "events", "-o", "json", "--field-selector",
            "type=Warning,involvedObject.name=\(attempt.pod?.name ?? attempt.job)",
        ]) { outcome in
            let found = outcome.status == 0 ? try? Self.objects(outcome.output) : nil
            body(found?.max { ($0.lastTimestamp ?? "") < ($1.lastTimestamp ?? "") }?.message)
        }
    }

    private func tell(_ task: String, _ count: Int, _ why: String) {
        guard said.insert(why).inserted else { return }
        events.append(.notice("\(count == 1 ? "'\(task)' waits" : "\(count) tasks wait") for a place: \(why)"))
    }
}
