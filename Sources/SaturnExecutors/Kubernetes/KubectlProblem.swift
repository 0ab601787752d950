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
        (kind, failure) = Self.problem(line, text, lines)
    }

    private static func problem(_ line: String, _ text: String, _ lines: [String]) -> (Kind, Failure) {
        func names(_ parts: String...) -> Bool { parts.contains { line.contains($0) } }
        let specified = line.ranges(of: "specified context: ").first.map { String(line[$0.upperBound...]) }
        if let context = specified ?? (names("does not exist") ? quoted(after: "context", in: line) : nil) {
            return (
                .other,
                Failure(
                    .engine, "there is no context '\(context)' in kubectl's configuration",
                    hint: "kubectl config get-contexts lists them")
            )
        }
        if names("connection to the server localhost:8080 was refused") {
            return (
                .away,
                Failure(
                    .engine, "kubectl is not told of a cluster: nothing answers at localhost:8080",
                    hint: "executor.kubeconfig names its configuration, and executor.context one of it")
            )
        }
        if names("exceeded quota") { return (.quota, Failure(.engine, text)) }
        if names(
            "You must be logged in", "(Unauthorized)", "getting credentials:",
            "the server has asked for the client to provide credentials")
        {
            return (
                .stranger,
                Failure(
                    .engine, "the cluster does not know who is asking: \(text)",
                    hint: "try kubectl get jobs; credentials may have expired")
            )
        }
        if names("(Forbidden)", "is forbidden") {
            return (
                .forbidden,
                Failure(
                    .engine, "the cluster does not allow it: \(text.replacing("(Forbidden): ", with: ""))",
                    hint: permissions)
            )
        }
        if let namespace = quoted(after: "namespaces", in: line), names("not found") {
            return (
                .other,
                Failure(
                    .engine, "there is no namespace '\(namespace)' on the cluster",
                    hint: "kubectl create namespace \(namespace)")
            )
        }
        let isAway = names(
            "was refused", "Unable to connect", "no such host", "i/o timeout", "deadline exceeded", "TLS handshake",
            "connection reset", "unexpected EOF", "ServiceUnavailable", "InternalError", "Timeout", "etcdserver",
            "Client.Timeout", "network is unreachable", "TooManyRequests", ": EOF")
        if isAway { return (.away, Failure(.engine, "the cluster does not answer: \(text)")) }
        return (.other, Failure(.engine, "kubectl: \(text.isEmpty ? "no word of why" : text)"))
    }

    static let permissions =
        "saturn needs to create, list and delete jobs, to list and delete pods, and to create pods/exec; with secrets also to "
        + "patch and delete these"

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
