import SaturnCore

/// Takes apart what `pod_fetch.sh` says: a line, after some of which bytes follow.
///
/// ```
/// wants
/// started 1795863084 979.81 979.84
/// log 12
/// …twelve bytes…
/// exit 0 981.11 - -
/// results
/// …a tar archive, to the end…
/// ```
struct PodStream {
    enum Part {
        /// What is to come first has not come.
        case wants
        /// Since when it runs, in seconds since 1970, and for how long.
        case started(time: Double, seconds: Double)
        case log(UnsafeRawBufferPointer)
        case ended(PodReport)
        case results(UnsafeRawBufferPointer)
        /// There is no folder of results any more.
        case unkept
    }

    private var held: [UInt8] = []
    private var logLeft = 0
    private var isInResults = false
    private var uptime: Double?
    private static let longestLine = 8192

    /// Throws ``ArchiveProblem`` when it is not such a stream, and what `body` throws.
    mutating func feed(_ bytes: UnsafeRawBufferPointer, _ body: (Part) throws -> Void) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            if isInResults { return try body(.results(UnsafeRawBufferPointer(rebasing: rest))) }
            if logLeft > 0 {
                let part = rest.prefix(logLeft)
                logLeft -= part.count
                rest = rest.dropFirst(part.count)
                try body(.log(UnsafeRawBufferPointer(rebasing: part)))
                continue
            }
            guard let newline = rest.firstIndex(of: UInt8(ascii: "\n")) else {
                held += rest
                guard held.count <= Self.longestLine else { throw ArchiveProblem.malformed("they are not saturn's") }
                return
            }
            let line = String(decoding: held + rest[..<newline], as: UTF8.self)
            held = []
            rest = rest[(newline + 1)...]
            try take(line, body)
        }
    }

    private mutating func take(_ line: String, _ body: (Part) throws -> Void) throws {
        let words = line.split(separator: " ", maxSplits: 4).map(String.init)
        switch words.first {
        case "wants": try body(.wants)
        case "started":
            guard words.count == 4, let time = Double(words[1]), let since = Double(words[2]),
                let now = Double(words[3])
            else { break }
            uptime = since
            try body(.started(time: time, seconds: max(0, now - since)))
        case "log": logLeft = words.count > 1 ? Int(words[1]) ?? 0 : 0
        case "exit": try body(.ended(PodReport(words, since: uptime)))
        case "results": isInResults = true
        case "unkept": try body(.unkept)
        case "beat": break
        default: throw ArchiveProblem.malformed("they are not saturn's")
        }
    }
}

/// How a command ended, by the first process of its container.
struct PodReport: Hashable {
    enum Ending: Hashable {
        case own
        /// The wrapper has ended it after its timeout.
        case timeout
        /// Kubernetes wanted the container to end.
        case asked
        /// There never was a process.
        case notStarted(String)
    }

    /// `nil` when there was nobody left to say it.
    var code: Int32?
    var seconds: Double?
    var ending = Ending.own

    /// - Parameter words: `exit CODE UPTIME ENDING WHY`, or `exit -`.
    init(_ words: [String], since: Double?) {
        guard words.count == 5, let code = Int32(words[1]) else { return }
        self.code = code
        if let since, let end = Double(words[2]) { seconds = max(0, end - since) }
        if words[4] != "-" {
            ending = .notStarted(Self.words(words[4]))
        } else if words[3] == "timeout" {
            ending = .timeout
        } else if words[3] == "asked" {
            ending = .asked
        }
    }

    private static func words(_ text: String) -> String {
        let (kind, name) = (text.prefix { $0 != " " }, text.drop { $0 != " " }.dropFirst())
        switch kind {
        case "missing": return "cannot execute '\(name)': command not found"
        case "denied": return "cannot execute '\(name)': permission denied"
        case "folder": return "there is no folder \(name) in the image"
        default: return "its container shares processes with others"
        }
    }
}
