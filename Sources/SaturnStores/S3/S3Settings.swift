import SaturnCore

/// What a run file says of results in S3, and what is wrong with it.
struct S3Settings: Sendable {
    private(set) var address: S3Address?
    /// In seconds.
    private(set) var logChunk: Int64 = 300
    private(set) var problems: [Diagnostic] = []

    private static let example = "s3_url: \"s3://bucket/prefix/{name}\""
    /// In bytes: S3 takes keys of 1,024.
    private static let longestPrefix = 512

    init(_ spec: ComponentSpec, run: String) {
        readAddress(spec, run)
        if let endpoint = spec.settings["endpoint_url"] {
            address?.endpoint = endpoint.text
            do { _ = try S3Endpoint(bucket: "bucket", region: "", endpoint: endpoint.text ?? "") } catch {
                add(endpoint, "'\(endpoint.text ?? "")' is no address of a server", "\"https://s3.example.org\"")
            }
        }
        address?.region = spec.settings["region"]?.text
        guard let chunk = spec.settings["log_chunk"] else { return }
        if let seconds = chunk.text.flatMap(Self.seconds) {
            logChunk = seconds
        } else {
            add(chunk, "log_chunk wants minutes, or a duration like 30s", nil)
        }
    }

    private mutating func readAddress(_ spec: ComponentSpec, _ run: String) {
        guard let url = spec.settings["s3_url"] else {
            problems.append(Diagnostic(at: spec.mark, "results in S3 need an s3_url", hint: Self.example))
            return
        }
        guard let found = S3Address(url: (url.text ?? "").replacing("{name}", with: run)) else {
            return add(url, "'\(url.text ?? "")' is no address of a bucket", Self.example)
        }
        guard found.prefix.utf8.count <= Self.longestPrefix else {
            return add(url, "a prefix of over \(Self.longestPrefix) bytes leaves no room for names of results", nil)
        }
        address = found
    }

    private mutating func add(_ setting: Setting, _ message: String, _ hint: String?) {
        problems.append(Diagnostic(at: setting.mark, message, hint: hint))
    }

    /// Minutes where there is no unit.
    private static func seconds(_ text: String) -> Int64? {
        let isPlain = text.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
        guard let value = Quantity.seconds(text), case let seconds = isPlain ? value * 60 : value,
            (1...Quantity.longestSeconds).contains(seconds)
        else { return nil }
        return Int64(seconds)
    }
}
