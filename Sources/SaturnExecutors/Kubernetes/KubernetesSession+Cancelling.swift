import Glibc
import SaturnCore

/// How attempts are ended: those that wait here, those that have no place yet, and those that run.
extension KubernetesSession {
    func cancel(_ list: [AttemptID], _ how: RemoteCancel) {
        for id in list {
            if let index = held.firstIndex(where: { $0.launch.attempt == id }) {
                held.remove(at: index)
                events.append(.exited(id, .cancelled))
            } else if let launch = waiting.take(id) {
                guard known.contains(id.description) else {
                    events.append(.exited(id, .cancelled))
                    continue
                }
                // It may have ended long ago: that is to be heard.
                _ = take(launch)
            }
            if let attempt = attempts[id.description] { cancel(attempt, how) }
        }
    }

    private func cancel(_ attempt: PodAttempt, _ how: RemoteCancel) {
        if attempt.report != nil || attempt.isOver { return }
        guard hasBegun(attempt) else {
            // It may have, since the last look.
            pendingCancels.append((attempt.id, how, Clocks.uptime()))
            nextLook = 0
            return
        }
        if how != .waiting { signal(attempt, how) }
    }

    /// Only its container knows whether the command has begun: what the cluster tells is a second old.
    private func signal(_ attempt: PodAttempt, _ how: RemoteCancel) {
        guard let pod = attempt.pod else { return }
        attempt.isCancelled = true
        // Its first process hands it on, and says how the command has ended after that.
        let force = "[ -e \(ClusterNames.place)/started ] || kill -s TERM 1; kill -s KILL -- -1"
        let words = [
            "exec", pod.name, "-c", ClusterNames.task, "--", "sh", "-c", how == .force ? force : "kill -s TERM 1",
        ]
        call(words) { [unowned self, weak attempt] outcome in
            guard outcome.status == 1, let attempt, attempts[attempt.id.description] === attempt, !hasBegun(attempt)
            else { return }
            // There is no container yet, or no cluster for a while.
            if how == .force, KubectlProblem(outcome.words).kind != .away { return withdraw(attempt) }
            pendingCancels.append((attempt.id, how, Clocks.uptime()))
        }
    }

    /// It has no place yet, and gets none.
    private func withdraw(_ attempt: PodAttempt) {
        discard(attempt.id.description, attempt.job)
        end(attempt, .cancelled)
    }

    /// - Parameter since: when the cluster was asked what is known of it.
    func cancelPending(since: Int64) {
        let (ripe, rest) = (pendingCancels.filter { $0.since < since }, pendingCancels.filter { $0.since >= since })
        pendingCancels = rest
        for (id, how, _) in ripe {
            guard let attempt = attempts[id.description] else { continue }
            if attempt.pod?.isPlaced != true {
                withdraw(attempt)
            } else if how != .waiting {
                signal(attempt, how)
            }
        }
    }

    func hasBegun(_ attempt: PodAttempt) -> Bool {
        if attempt.hasBegun { return true }
        switch attempt.pod?.verdict {
        case .running, .ended: return true
        default: return false
        }
    }
}
