import Glibc
import SaturnCore
import Synchronization

/// The GPUs of this machine that tasks may have.
final class LocalGPUs: Sendable {
    /// How many there are to be, by the run file.
    private let given: Int?
    /// The names that saturn itself was given.
    private let visible: [String]?
    private let found = Mutex<[String]?>(nil)

    /// - Parameters:
    ///   - given: `nil` to ask nvidia-smi.
    ///   - environment: saturn's own, as `NAME=value`.
    init(_ given: Int?, environment: [String]) {
        self.given = given
        let prefix = "CUDA_VISIBLE_DEVICES="
        let names = environment.first { $0.hasPrefix(prefix) }?.dropFirst(prefix.count).split(separator: ",")
        visible = names.map(Self.valid)
        if let given { found.withLock { $0 = Self.names(given, among: visible) } }
    }

    /// Those that are known by now: to ask takes its time, and most runs need none.
    var known: [String] { found.withLock { $0 ?? [] } }

    /// Asks, if nobody has yet.
    func look() -> [String] {
        found.withLock { found in
            if let found { return found }
            let names = visible ?? Self.ask()
            found = names
            return names
        }
    }

    /// Why there are none, or not more.
    var hint: String {
        if given != nil { return "'gpus' of the executor says how many there are" }
        return visible == nil
            ? "nvidia-smi names none; if there are others, say how many: executor: {class_spec: Multiprocessing, gpus: 8}"
            : "CUDA_VISIBLE_DEVICES is set, and names those that there are"
    }

    private static func names(_ count: Int, among visible: [String]?) -> [String] {
        if let visible, visible.count >= count { return Array(visible.prefix(count)) }
        return (0..<count).map { "\($0)" }
    }

    /// Each once. What follows a number below zero, or a word that is no name, is not seen by any program.
    private static func valid(_ names: [Substring]) -> [String] {
        var seen: Set<String> = []
        return names.map { String($0.filter { $0 != " " }) }
            .prefix { !$0.isEmpty && !$0.hasPrefix("-") && $0 != "NoDevFiles" && $0 != "void" }
            .filter { seen.insert($0).inserted }
    }

    private static func ask() -> [String] {
        // A driver in trouble may keep whoever asks waiting.
        let command = "exec timeout 30 nvidia-smi --query-gpu=index --format=csv,noheader </dev/null 2>/dev/null"
        guard let pipe = popen(command, "r") else { return [] }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, pipe)
        guard pclose(pipe) == 0 else { return [] }
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").compactMap {
            Int($0.filter { $0 != " " && $0 != "\r" }).map { "\($0)" }
        }
    }
}
