import SaturnCore

/// Why a `kubectl` did not do what it was asked, in a sentence of saturn's.
struct KubectlProblem {
    enum Kind {
        /// No cluster answers; it may later.
        case away
        /// The cluster answers, and does not know who is asking.
        case stranger
        /// The cluster knows who is asking, and does not let them.
        case forbidden
        /// More than the namespace may have.
        case quota
        case other
    }

    let kind: Kind
    let failure: Failure

    init(_ words: String) {
        let lines = words.split(whereSeparator: \.isNewline).map(String.init)
        let line = lines.last { !$0.hasPrefix("Warning:") && !$0.isEmpty } ?? ""
        var text = line
        for prefix in ["error: ", "Error from server ", "Unable to connect to the server: "]
        where text.hasPrefix(prefix) {
            text.removeFirst(prefix.count)
        }
        if let place = Self.missingPlace(line) {
            (kind, failure) = (.other, place)
        } else if let rule = Self.rules.first(where: { rule in rule.words.contains { line.contains($0) } }) {
            (kind, failure) = (rule.kind, Failure(.engine, rule.sentence(text), hint: rule.hint))
        } else {
            (kind, failure) = (.other, Failure(.engine, "kubectl: \(text.isEmpty ? "no word of why" : text)"))
        }
    }

    /// A context or a namespace that is not there.
    private static func missingPlace(_ line: String) -> Failure? {
        let specified = line.ranges(of: "specified context: ").first.map { String(line[$0.upperBound...]) }
        if let context = specified ?? (line.contains("does not exist") ? quoted(after: "context", in: line) : nil) {
            return Failure(
                .engine, "there is no context '\(context)' in kubectl's configuration",
                hint: "kubectl config get-contexts lists them")
        }
        guard line.contains("not found"), let namespace = quoted(after: "namespaces", in: line) else { return nil }
        return Failure(
            .engine, "there is no namespace '\(namespace)' on the cluster",
            hint: "kubectl create namespace \(namespace)")
    }

    private struct Rule {
        var kind: Kind
        /// One of these is in what kubectl says.
        var words: [String]
        var sentence: @Sendable (String) -> String
        var hint: String?
    }

    /// The first that fits counts.
    private static let rules = [
        Rule(
            kind: .away, words: ["connection to the server localhost:8080 was refused"],
            sentence: { _ in "kubectl is not told of a cluster: nothing answers at localhost:8080" },
            hint: "executor.kubeconfig names its configuration, and executor.context one of it"),
        Rule(
            kind: .other, words: ["error loading config file", "stat /", "no such file or directory"],
            sentence: { "kubectl's configuration cannot be read: \($0)" }, hint: "executor.kubeconfig names it"),
        Rule(
            kind: .other, words: ["error validating \"STDIN\""],
            sentence: { text in
                let known = text.split(separator: "error validating data: ").last ?? text[...]
                return "executor.pod is not what the cluster takes: "
                    + (known.split(separator: "; if you choose to ignore").first ?? known)
            }),
        Rule(kind: .quota, words: ["exceeded quota"], sentence: { $0 }),
        Rule(
            kind: .stranger,
            words: [
                "You must be logged in", "(Unauthorized)", "getting credentials:",
                "the server has asked for the client to provide credentials",
            ], sentence: { "the cluster does not know who is asking: \($0)" },
            hint: "try kubectl get jobs; credentials may have expired"),
        Rule(
            kind: .forbidden, words: ["(Forbidden)", "is forbidden"],
            sentence: { "the cluster does not allow it: \($0.replacing("(Forbidden): ", with: ""))" }, hint: permissions
        ),
        Rule(
            kind: .away,
            words: [
                "was refused", "Unable to connect", "no such host", "i/o timeout", "deadline exceeded", "TLS handshake",
                "connection reset", "unexpected EOF", "ServiceUnavailable", "InternalError", "Timeout", "etcdserver",
                "Client.Timeout", "network is unreachable", "TooManyRequests", ": EOF",
            ], sentence: { "the cluster does not answer: \($0)" }),
    ]

    static let permissions =
        "saturn needs to create, list and delete jobs, to get, list and delete pods, and to create pods/exec; with secrets "
        + "also to get, list, create, patch and delete these"

    private static func quoted(after word: String, in line: String) -> String? {
        guard let start = line.range(of: "\(word) \"")?.upperBound ?? line.range(of: "\(word): \"")?.upperBound,
            let end = line[start...].firstIndex(of: "\"")
        else { return nil }
        return String(line[start..<end])
    }
}

extension String {
    /// Without Foundation.
    fileprivate func range(of other: String) -> Range<String.Index>? { ranges(of: other).first }
}
