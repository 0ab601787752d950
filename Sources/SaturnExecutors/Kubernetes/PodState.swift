import SaturnCore

/// What a cluster says of an attempt's pod, and what follows from that.
struct PodState {
    enum Verdict {
        /// It waits, for the reason that is given.
        case waiting(String?)
        case running
        /// Its container has ended, with a code and maybe a reason.
        case ended(Int32, reason: String?)
        /// It cannot run, whatever is waited for.
        case impossible(String, code: Int32)
        /// The same, unless it passes soon.
        case doubtful(String)
        case displaced(String)
        /// The same, but its Job may make another one.
        case deleted(String)
        case timedOut
    }

    let verdict: Verdict
    /// A node has it, and may begin it at any time.
    let isPlaced: Bool
    let name: String
    let uid: String
    /// The container beside the task's runs: what there is can be fetched.
    let hasKeeper: Bool
    /// That container has ended; why.
    let keeperEnd: String?
    /// What the image's name stands for.
    let imageID: String?

    /// - Parameter isEnding: it is on its way out, and that is known.
    init(_ pod: ClusterObject, isEnding: Bool = false) {
        name = pod.metadata.name
        uid = pod.metadata.uid ?? name
        isPlaced = pod.spec?.nodeName != nil
        let (task, keeper) = (pod.container(ClusterNames.task), pod.container(ClusterNames.keeper))
        hasKeeper = keeper?.state?.running != nil
        keeperEnd = keeper?.state?.terminated.map { $0.reason ?? "exit code \($0.exitCode)" }
        imageID = task?.imageID.flatMap { $0.isEmpty ? nil : $0 }
        verdict = isEnding ? Self.verdict(of: task, pod) : Self.verdict(pod, task)
    }

    private static func verdict(_ pod: ClusterObject, _ task: ClusterObject.Container?) -> Verdict {
        let (status, name) = (pod.status, pod.metadata.name)
        // Of the pod, and not of a container: something has happened to it.
        if status?.phase == "Failed", let reason = status?.reason {
            if reason == "DeadlineExceeded" { return .timedOut }
            return .displaced(["pod \(name): \(reason)", status?.message].compactMap { $0 }.joined(separator: ": "))
        }
        if status?.phase == "Unknown" { return .displaced("pod \(name): its node does not answer") }
        if pod.metadata.deletionTimestamp != nil {
            let why = status?.reason.map { ": \($0)" } ?? ""
            return .deleted("pod \(name) was deleted\(why)")
        }
        return verdict(of: task, pod)
    }

    private static func verdict(of task: ClusterObject.Container?, _ pod: ClusterObject) -> Verdict {
        if let ended = task?.state?.terminated { return verdict(ended) }
        if task?.state?.running != nil { return .running }
        if let waiting = task?.state?.waiting, let reason = waiting.reason { return verdict(reason, waiting.message) }
        let scheduled = pod.status?.conditions?.first { $0.type == "PodScheduled" && $0.status == "False" }
        return .waiting(
            scheduled.map { [$0.reason, $0.message].compactMap { $0 }.joined(separator: ": ") })
    }

    private static func verdict(_ ended: ClusterObject.State.Terminated) -> Verdict {
        guard let reason = ended.reason,
            ["StartError", "ContainerCannotRun", "ContainerStatusUnknown"].contains(reason)
        else { return .ended(ended.exitCode, reason: ended.reason) }
        let message = ended.message ?? reason
        if reason == "ContainerStatusUnknown" { return .displaced("nothing is known of its container: \(message)") }
        return cannotStart(message)
    }

    private static func cannotStart(_ message: String) -> Verdict {
        if message.contains("executable file not found") || message.contains("no such file or directory") {
            return .impossible("its image has no sh, which runs the command: \(message)", code: 127)
        }
        return .impossible("its container cannot start: \(message)", code: 126)
    }

    private static func verdict(_ reason: String, _ message: String?) -> Verdict {
        let text = message.map { "\(reason): \($0)" } ?? reason
        switch reason {
        case "ErrImageNeverPull", "InvalidImageName":
            return .impossible("its image cannot be pulled: \(text)", code: 126)
        case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable":
            let isUnknown = ["not found", "manifest unknown", "access denied", "unauthorized", "does not exist"]
                .contains {
                    message?.contains($0) ?? false
                }
            let words = "its image cannot be pulled: \(text)"
            return isUnknown ? .impossible(words, code: 126) : .doubtful(words)
        case "CreateContainerConfigError": return .doubtful("its container cannot be made: \(text)")
        case "RunContainerError", "CreateContainerError": return message.map(cannotStart) ?? .doubtful(text)
        default: return .waiting(message == nil ? nil : text)
        }
    }
}
