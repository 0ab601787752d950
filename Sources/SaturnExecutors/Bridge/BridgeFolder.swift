import Glibc
import SaturnCore

/// The folder of a run that goes by way of a bridge: its id on the engine, the bridge's script and words, spool files.
final class BridgeFolder: Sendable {
    let path: String
    /// Of the run, on the engine; the same until all of it is gone from there.
    let id: AttemptID
    /// Nothing of the run was on the engine.
    let isNew: Bool

    /// Makes it when missing.
    init(_ path: String) throws {
        self.path = path
        let parent = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        for folder in [String(parent), path] {
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Failure.system("cannot make \(folder)") }
        }
        if let known = try Self.read(path + "/id").flatMap({ AttemptID($0.prefix { !$0.isWhitespace }) }) {
            (id, isNew) = (known, false)
            return
        }
        var generator = SystemRandomNumberGenerator()
        (id, isNew) = (AttemptID(using: &generator), true)
        try Self.write(Array("\(id)\n".utf8), to: path + "/id.new")
        guard rename(path + "/id.new", path + "/id") == 0 else { throw Failure.system("cannot make \(path)/id") }
        unlink(path + "/bridge.log")
    }

    /// Whether something of the run may be on the engine.
    static func isThere(_ path: String) -> Bool { access(path + "/id", F_OK) == 0 }

    /// Returns the path of the script.
    func prepare(_ bridge: Bridge) throws -> String {
        removeSpools()
        let script = "\(path)/bridge\(bridge.suffix)"
        try Self.write(bridge.script, to: script)
        return script
    }

    /// - Parameter keepsRun: for whoever goes on with it.
    func clear(keepsRun: Bool) {
        removeSpools()
        if keepsRun { return }
        for name in ["bridge.py", "bridge.R", "id"] { unlink("\(path)/\(name)") }
    }

    private func removeSpools() {
        guard let folder = opendir(path) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("spool-") { unlink("\(path)/\(name)") }
        }
    }

    private static func read(_ path: String) throws -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Failure.system("cannot make \(path)") }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure.system("cannot write \(path)") }
            rest = rest.dropFirst(count)
        }
    }
}
