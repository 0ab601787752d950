import SaturnCore

/// How what nobody needs any more goes from the cluster, and at last all that the run has there.
extension KubernetesSession {
    /// Of attempts whose results are where they belong, and of those that nobody wants.
    func removeSuperfluous() {
        guard !isDeleting, let batch = superfluous.take() else { return }
        isDeleting = true
        call(batch.words + ["--ignore-not-found", "--wait=false"]) { [unowned self] outcome in
            isDeleting = false
            guard outcome.status != 0 else { return }
            let problem = KubectlProblem(outcome.words)
            if problem.kind == .away || problem.kind == .stranger {
                superfluous.giveBack(batch)
                isAway(problem)
            } else if held.isEmpty {
                say("Jobs that have ended stay: \(problem.failure.message)")
            } else {
                fail(problem.failure)
            }
        }
    }

    func leaveFurther(_ now: Int64) {
        guard let leaving, !isSubmitting else { return }
        switch leaving {
        case .detach:
            removeSuperfluous()
            if isDeleting || !superfluous.isEmpty, now - leavingSince < 20 * Self.second { return }
            phase = .over
            endCalls()
        case .terminate:
            guard !isLooking, now >= nextLook else { return }
            removeRun(now)
        }
    }

    /// Who has given the cluster none may not be allowed to ask for them.
    private var andSecrets: String { secrets.values.isEmpty ? "" : ",secrets" }

    /// Looks, removes what is there, and looks again.
    private func removeRun(_ now: Int64) {
        for attempt in attempts.values {
            attempt.fetch?.end()
            attempt.fetch = nil
        }
        calls.removeAll(where: \.isOver)
        isLooking = true
        let last = now - max(leavingSince, leftSince) > 120 * Self.second
        call(["get", "jobs,pods\(andSecrets)", "-l", selector, "-o", "json"]) { [unowned self] outcome in
            isLooking = false
            nextLook = Clocks.uptime() + Self.second / 4
            guard outcome.status == 0 else { return removalFailed(KubectlProblem(outcome.words), last) }
            attempt {
                let left = try Self.objects(outcome.output)
                if left.count < leftCount { (leftCount, leftSince) = (left.count, Clocks.uptime()) }
                noteBegun(left)
                if left.isEmpty {
                    hasRemovedRun = true
                    phase = .over
                } else if last {
                    let pods = left.filter { $0.kind == "Pod" }.count
                    fail(
                        Failure(
                            .engine, "\(pods) pods of this run have not ended",
                            hint: "kubectl get pods -l \(selector) shows them; call saturn terminate again"))
                } else {
                    remove(left)
                }
            }
        }
    }

    /// What had begun, for those of whom nothing more will be heard. A container that was removed may be called one that is
    /// yet to be made: once is enough.
    private func noteBegun(_ left: [ClusterObject]) {
        for pod in left where pod.kind == "Pod" {
            guard let attempt = pod.label(ClusterNames.attempt).flatMap({ attempts[$0] }), !hasBegun(attempt) else {
                continue
            }
            attempt.pod = PodState(pod, isEnding: true)
        }
    }

    private func remove(_ left: [ClusterObject]) {
        let pods = left.filter { $0.kind == "Pod" }
        let ended = pods.filter { $0.metadata.deletionTimestamp != nil && $0.hasEnded }
        // A Job may just have made another pod.
        if left.contains(where: { $0.metadata.deletionTimestamp == nil }) || !hasShortened {
            hasShortened = true
            removal(Kubectl.removal + ["-l", selector])
            if !secrets.values.isEmpty { removal(["delete", "secrets", "-l", selector]) }
        } else if !ended.isEmpty {
            // Nothing of them is left but the cluster's record, which a node takes ten seconds to give up.
            removal(["delete", "pods"] + ended.map(\.metadata.name) + ["--grace-period=0", "--force"])
        }
    }

    private func removal(_ words: [String]) {
        removals += 1
        isLooking = true
        call(words + ["--ignore-not-found", "--wait=false"]) { [unowned self] outcome in
            removals -= 1
            isLooking = removals > 0
            nextLook = 0
            if outcome.status != 0 { removalFailed(KubectlProblem(outcome.words), false) }
        }
    }

    private func removalFailed(_ problem: KubectlProblem, _ isLast: Bool) {
        nextLook = Clocks.uptime() + 2 * Self.second
        if problem.kind == .away, !isLast { return }
        fail(problem.failure)
    }
}
