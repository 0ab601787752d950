import FoundationEssentials
import SaturnCore

/// How the cluster is reached, and what it has of this run and of earlier ones.
extension KubernetesSession {
    func connect() throws {
        var open = 4
        var others: Set<String> = []
        func answered() {
            open -= 1
            if open == 0, phase == .connecting { removeOthers(others) }
        }
        let home = cluster.run.home.isEmpty ? selector : "\(ClusterNames.home)=\(ClusterNames.home(cluster.run.home))"
        call(["get", "jobs,pods", "-l", home, "-o", "json"]) { [unowned self] outcome in
            attempt {
                guard outcome.status == 0 else { throw KubectlProblem(outcome.words).failure }
                others = try findEarlier(outcome.output)
            }
            answered()
        }
        for question in [["create", "jobs"], ["delete", "jobs"], ["create", "pods", "--subresource=exec"]] {
            call(["auth", "can-i"] + question) { [unowned self] outcome in
                let answer = String(decoding: outcome.output, as: UTF8.self)
                if phase == .connecting, answer.hasPrefix("no") { fail(refusal(of: question)) }
                answered()
            }
        }
        if phase == .over, let failure { throw failure }
    }

    private func refusal(of question: [String]) -> Failure {
        let what = question.count > 2 ? "execute programs in pods" : question.joined(separator: " ")
        let place = cluster.kubectl.options.last { $0.hasPrefix("--namespace=") }?.dropFirst(12)
        let words = "the cluster does not allow you to \(what)" + (place.map { " in the namespace '\($0)'" } ?? "")
        return Failure(.engine, words, hint: KubectlProblem.permissions)
    }

    /// Returns the ids of other runs that this place has had.
    private func findEarlier(_ output: [UInt8]) throws -> Set<String> {
        var others: Set<String> = []
        let objects = try Self.objects(output)
        for object in objects {
            guard let run = object.label(ClusterNames.run) else { continue }
            if run != folder.id.description {
                others.insert(run)
            } else if object.kind == "Job", let attempt = object.label(ClusterNames.attempt) {
                jobs[attempt] = object.metadata.name
                if object.metadata.deletionTimestamp == nil { known.insert(attempt) }
            }
        }
        // A saturn that was killed while it removed them has come no further than their Jobs.
        for pod in objects where pod.kind == "Pod" && pod.metadata.deletionTimestamp == nil {
            if let attempt = pod.label(ClusterNames.attempt), jobs[attempt] == nil { discard(attempt, "") }
        }
        return others
    }

    /// What earlier runs of the same place have left nobody knows any more.
    private func removeOthers(_ others: Set<String>) {
        guard !others.isEmpty else { return findSecrets() }
        let which = "\(ClusterNames.run) in (\(others.sorted().joined(separator: ",")))"
        call(Kubectl.removal + ["-l", which, "--timeout=60s"], isShort: false) {
            [unowned self] outcome in
            if outcome.status != 0 {
                events.append(
                    .notice("an earlier run is not removed: \(KubectlProblem(outcome.words).failure.message)"))
            }
            // Who may not do anything to Secrets has given it none.
            call(["delete", "secrets", "-l", which]) { [unowned self] _ in findSecrets() }
        }
    }

    /// The log of an attempt is masked by what it was given.
    private func findSecrets() {
        guard !known.isEmpty else { return phase = .ready }
        call(["get", "secret", manifest.secretName, "-o", "json", "--ignore-not-found"]) { [unowned self] outcome in
            struct Secret: Decodable { var data: [String: Data]? }
            if outcome.status == 0, let found = try? JSONDecoder().decode(Secret.self, from: Data(outcome.output)) {
                secrets = SecretNames((found.data ?? [:]).mapValues { String(decoding: $0, as: UTF8.self) })
            }
            if phase == .connecting { phase = .ready }
        }
    }

    func giveUp() {
        if phase == .connecting { fail(Failure(.engine, "interrupted while connecting to Kubernetes")) }
    }

    // MARK: While it does not answer

    /// What runs goes on; so does this, when the cluster can be reached again.
    func isAway(_ problem: KubectlProblem) {
        let now = Clocks.uptime()
        let since = awaySince ?? now
        awaySince = since
        nextLook = max(nextLook, now + 3 * Self.second)
        if !hasSaidAway, now - since >= Self.patience || problem.kind == .stranger {
            hasSaidAway = true
            events.append(.notice("\(problem.failure.message); tasks go on there, and saturn tries again"))
        }
    }

    /// A server that stands still refuses nothing.
    func noteSilence(_ now: Int64) {
        guard !hasSaidAway, calls.contains(where: { $0.deadline < now }) else { return }
        awaySince = awaySince ?? now - Self.patience
        hasSaidAway = true
        events.append(.notice("the cluster does not answer; tasks go on there, and saturn waits for it"))
    }

    func isBack() {
        awaySince = nil
        if hasSaidAway { events.append(.notice("the cluster answers again")) }
        hasSaidAway = false
    }
}
