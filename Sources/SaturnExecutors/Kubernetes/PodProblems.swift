import SaturnCore

/// What a run file may not say of pods and their labels.
enum PodProblems {
    static func found(in spec: ComponentSpec) -> [Diagnostic] {
        labels(spec.settings["labels"]) + pod(spec.settings["pod"])
    }

    private static func labels(_ setting: Setting?) -> [Diagnostic] {
        guard case .map(let labels) = setting?.value else { return [] }
        return labels.sorted { $0.key < $1.key }.compactMap { _, value in
            guard let text = value.text, !isLabel(text) else { return nil }
            return Diagnostic(
                at: value.mark, "'\(text)' cannot be the value of a label",
                hint: "at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends")
        }
    }

    private static func isLabel(_ text: String) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                true
            default: false
            }
        }
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isLetter(first) && isLetter(last)
            && bytes.allSatisfy { isLetter($0) || "-_.".utf8.contains($0) }
    }

    private static func pod(_ setting: Setting?) -> [Diagnostic] {
        guard case .map(let pod) = setting?.value else { return [] }
        var problems: [Diagnostic] = []
        if let mark = (pod["spec"] ?? pod["metadata"])?.mark {
            problems.append(
                Diagnostic(
                    at: mark, "'pod' is what stands under a pod's 'spec'", hint: "executor.labels names labels"))
        }
        for name in ["hostPID", "shareProcessNamespace"] {
            guard let setting = pod[name], setting.text == "true" else { continue }
            problems.append(
                Diagnostic(at: setting.mark, "'\(name)': a task's processes are ended all together, and need their own")
            )
        }
        if let policy = pod["restartPolicy"], policy.text != "Never" {
            problems.append(Diagnostic(at: policy.mark, "'restartPolicy' is Never", hint: "'retries' is how often"))
        }
        if let deadline = pod["activeDeadlineSeconds"] {
            problems.append(
                Diagnostic(at: deadline.mark, "'activeDeadlineSeconds' is saturn's", hint: "a task's 'timeout' is kept")
            )
        }
        for name in ["containers", "volumes", "initContainers", "tolerations"] {
            guard let setting = pod[name] else { continue }
            if case .list = setting.value { continue }
            problems.append(Diagnostic(at: setting.mark, "'\(name)' is a list"))
        }
        return problems + containers(pod["containers"])
    }

    private static func containers(_ setting: Setting?) -> [Diagnostic] {
        guard case .list(let containers) = setting?.value else { return [] }
        return containers.flatMap { container -> [Diagnostic] in
            guard case .map(let fields) = container.value else { return [] }
            guard let name = fields["name"]?.text else {
                return [Diagnostic(at: container.mark, "a container has no name", hint: "task and keeper are saturn's")]
            }
            guard [ClusterNames.task, ClusterNames.keeper].contains(name) else { return [] }
            // A keeper may have another image, if that of the task has no tar.
            return (["command", "args"] + (name == ClusterNames.task ? ["image"] : [])).compactMap { field in
                fields[field].map {
                    Diagnostic(
                        at: $0.mark, "'\(field)' of the container '\(name)' is saturn's",
                        hint: "a task's 'command' and 'image' say what it runs")
                }
            }
        }
    }
}
