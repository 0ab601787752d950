import SaturnCore

/// How Jobs come to the cluster.
extension KubernetesSession {
    /// What they are made of first: values of secrets.
    func submit(_ new: [PodAttempt]) {
        isSubmitting = true
        let earlier = secrets
        guard secrets.add(new.flatMap(\.launch.secrets)) else { return create(new) }
        applySecret { [unowned self] outcome in
            guard outcome.status == 0 else {
                secrets = earlier
                return refused(new, KubectlProblem(outcome.words))
            }
            create(new)
        }
    }

    /// Whether what it comes instead of has to end first: two at once there must not be.
    func hold(_ launch: Launch) -> Bool {
        guard let old = launch.surroundings.supersedes?.description else { return false }
        discard(old, jobs[old] ?? "")
        held.append((launch, Clocks.uptime()))
        nextLook = 0
        return true
    }

    /// Lets those go on of which nothing runs any more.
    func admit(_ objects: [ClusterObject]) {
        guard !held.isEmpty else { return }
        let busy = Set(
            objects.lazy.filter { $0.kind == "Job" ? $0.metadata.deletionTimestamp == nil : !$0.hasEnded }
                .compactMap { $0.label(ClusterNames.attempt) })
        let isHeld = { (launch: Launch) in busy.contains(launch.surroundings.supersedes?.description ?? "") }
        waiting.putBack(
            held.map(\.launch).filter { !isHeld($0) }.map {
                var launch = $0
                launch.surroundings.supersedes = nil
                return launch
            })
        held.removeAll { !isHeld($0.launch) }
        // A node that has much to do takes its time.
        if held.contains(where: { Clocks.uptime() - $0.since > Self.patience }) {
            say("earlier attempts must end first")
        }
    }

    /// Makes the Secret, or what it lacks.
    func applySecret(_ ended: @escaping (KubectlCall.Outcome) -> Void) {
        attempt {
            let bytes = try JobManifest.list([manifest.secret(secrets)])
            let words = ["apply", "--server-side", "--force-conflicts", "--field-manager=saturn", "-f", "-"]
            call(words, source: Self.once(bytes), ended: ended)
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
            let index = lines.firstIndex { $0.contains("\"\(attempt.job)\"") }
            let line = index.map { Self.whole(lines[$0...]) }
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

    /// What is wrong with an object stands in the lines below the one that names it.
    private static func whole(_ lines: ArraySlice<String>) -> String {
        let (line, details) = (lines.first ?? "", lines.dropFirst().prefix { $0.hasPrefix("* ") })
        guard let first = details.first else { return line }
        return line + first.dropFirst(2) + (details.count > 1 ? "; and \(details.count - 1) more" : "")
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
}
