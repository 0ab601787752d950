import SaturnCore

/// How Jobs come to the cluster, and go.
extension KubernetesSession {
    /// What they are made of first: values of secrets, and the end of those that they come instead of.
    func submit(_ new: [PodAttempt]) {
        isSubmitting = true
        let earlier = secrets
        guard secrets.add(new.flatMap(\.launch.secrets)) else { return endSuperseded(new) }
        attempt {
            let bytes = try JobManifest.list([manifest.secret(secrets)])
            let words = ["apply", "--server-side", "--force-conflicts", "--field-manager=saturn", "-f", "-"]
            call(words, source: Self.once(bytes)) { [unowned self] outcome in
                guard outcome.status == 0 else {
                    secrets = earlier
                    return refused(new, KubectlProblem(outcome.words))
                }
                endSuperseded(new)
            }
        }
    }

    private func endSuperseded(_ new: [PodAttempt]) {
        let old = new.compactMap(\.launch.surroundings.supersedes).map(\.description)
        guard !old.isEmpty else { return create(new) }
        let which = "\(ClusterNames.attempt) in (\(old.joined(separator: ",")))"
        call(["delete", "jobs,pods", "-l", which, "--grace-period=1", "--timeout=60s"], isShort: false) {
            [unowned self] outcome in
            if outcome.status == 0 { create(new) } else { refused(new, KubectlProblem(outcome.words)) }
        }
    }

    private func create(_ new: [PodAttempt]) {
        attempt {
            let bytes = try JobManifest.list(
                new.map { manifest.job($0.launch, PodParcel($0.launch, cluster, syncs), secrets) })
            call(["create", "-f", "-", "-o", "name"], isShort: false, source: Self.once(bytes)) {
                [unowned self] outcome in
                created(new, outcome)
            }
        }
    }

    private func created(_ new: [PodAttempt], _ outcome: KubectlCall.Outcome) {
        let names = Set(
            String(decoding: outcome.output, as: UTF8.self).split(whereSeparator: \.isNewline)
                .map { String($0.split(separator: "/").last ?? "") })
        let lines = outcome.words.split(whereSeparator: \.isNewline).map(String.init)
        var left: [PodAttempt] = []
        for attempt in new {
            let line = lines.first { $0.contains("\"\(attempt.job)\"") }
            if names.contains(attempt.job) || line?.contains("(AlreadyExists)") ?? false {
                attempt.isMade = true
            } else if let line, !isForAll(line) {
                end(attempt, .notStarted("the cluster refuses its Job: \(Self.words(line))", code: 126))
            } else {
                left.append(attempt)
            }
        }
        nextLook = 0
        if left.isEmpty { isSubmitting = false } else { refused(left, KubectlProblem(outcome.words)) }
    }

    /// What one Job is refused for, and all others would be too.
    private func isForAll(_ line: String) -> Bool {
        switch KubectlProblem(line).kind {
        case .quota, .away, .stranger: true
        case .forbidden: line.contains("cannot create resource")
        case .other: false
        }
    }

    private static func words(_ line: String) -> String {
        let parts = line.split(separator: ": ", omittingEmptySubsequences: false)
        return parts.count > 1
            ? parts.dropFirst(line.hasPrefix("Error from server") ? 1 : 0).joined(separator: ": ") : line
    }

    /// None of these is on the cluster, for a reason that is none of theirs.
    private func refused(_ new: [PodAttempt], _ problem: KubectlProblem) {
        isSubmitting = false
        switch problem.kind {
        case .quota, .away, .stranger:
            if problem.kind == .quota { say("Jobs wait: \(problem.failure.message)") } else { isAway(problem) }
            putBack(new.map(\.launch))
            submitAfter = Clocks.uptime() + 5 * Self.second
        case .forbidden, .other: fail(problem.failure)
        }
    }

    /// Of attempts whose results are where they belong, and of those that nobody wants.
    func removeSuperfluous() {
        guard !isDeleting, !superfluous.isEmpty else { return }
        isDeleting = true
        let names = Array(superfluous.prefix(200))
        superfluous.removeFirst(names.count)
        // Not grace: it is the keeper that ends then, and at once.
        call(["delete", "jobs"] + names + ["--ignore-not-found", "--wait=false"]) { [unowned self] outcome in
            isDeleting = false
            guard outcome.status != 0 else { return }
            let problem = KubectlProblem(outcome.words)
            if problem.kind == .away || problem.kind == .stranger {
                superfluous += names
                isAway(problem)
            } else {
                say("Jobs that have ended stay: \(problem.failure.message)")
            }
        }
    }

    /// What runs goes on; so does this, when the cluster can be reached again.
    func isAway(_ problem: KubectlProblem) {
        let now = Clocks.uptime()
        let since = awaySince ?? now
        awaySince = since
        nextLook = max(nextLook, now + 3 * Self.second)
        if !hasSaidAway, now - since >= 10 * Self.second || problem.kind == .stranger {
            hasSaidAway = true
            events.append(.notice("\(problem.failure.message); tasks go on there, and saturn tries again"))
        }
    }

    func isBack() {
        awaySince = nil
        if hasSaidAway { events.append(.notice("the cluster answers again")) }
        hasSaidAway = false
    }

    // MARK: To leave

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
                // What had begun, for those of whom nothing more will be heard.
                for pod in left where pod.kind == "Pod" {
                    pod.label(ClusterNames.attempt).flatMap { attempts[$0] }?.pod = PodState(pod, isEnding: true)
                }
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

    private func remove(_ left: [ClusterObject]) {
        let pods = left.filter { $0.kind == "Pod" }
        let ended = pods.filter { $0.metadata.deletionTimestamp != nil && $0.hasEnded }
        // A Job may just have made another pod.
        if left.contains(where: { $0.metadata.deletionTimestamp == nil }) || !hasShortened {
            // Jobs first: they would make other pods.
            removal(["jobs\(andSecrets)", "-l", selector, "--wait=false"]) { [unowned self] in
                hasShortened = true
                removal(["pods", "-l", selector, "--wait=false", "--grace-period=1"]) {}
            }
        } else if !ended.isEmpty {
            // Nothing of them is left but the cluster's record, which a node takes ten seconds to give up.
            removal(["pods"] + ended.map(\.metadata.name) + ["--wait=false", "--grace-period=0", "--force"]) {}
        }
    }

    private func removal(_ what: [String], then body: @escaping () -> Void) {
        isLooking = true
        call(["delete", "--ignore-not-found"] + what) { [unowned self] outcome in
            isLooking = false
            nextLook = 0
            // Who may not delete pods waits for their own grace.
            if outcome.status == 0 || what[0].hasPrefix("pods") { return body() }
            removalFailed(KubectlProblem(outcome.words), false)
        }
    }

    private func removalFailed(_ problem: KubectlProblem, _ isLast: Bool) {
        nextLook = Clocks.uptime() + 2 * Self.second
        if problem.kind == .away, !isLast { return }
        fail(problem.failure)
    }
}
