import Glibc
import SaturnCore

/// Where the ``Trace`` of one way to call `saturn run` is kept: `traces/<digest>` in the project's folder.
///
/// It is believed only whole: the digest of all that follows comes first.
public struct TraceFile: Sendable {
    private static let magic = Array("saturn trace 1\n".utf8)
    private let path: String

    /// - Parameter words: what the run was called with, as far as it decides what is planned.
    public init(_ words: [String], in state: StateFolder) {
        var writer = ByteWriter()
        for word in words { writer.put(word) }
        path = "\(state.path)/traces/\(Digest(of: writer.bytes))"
    }

    /// The file of the program that runs: another one may plan otherwise.
    static let program: FileStamp? = {
        var status = stat()
        return stat("/proc/self/exe", &status) == 0 ? FileStamp(status) : nil
    }()

    /// `nil` when there is none, or it is not as it was written.
    public func read() -> Trace? {
        var status = stat()
        guard stat(path, &status) == 0, let bytes = FileBytes.read(path, limit: Int(status.st_size)),
            bytes.starts(with: Self.magic), bytes.count > Self.magic.count + 32
        else { return nil }
        let content = bytes[(Self.magic.count + 32)...]
        guard Digest(of: content).bytes.elementsEqual(bytes[Self.magic.count...].prefix(32)) else { return nil }
        return try? Trace(reading: content)
    }

    /// Whole or not at all.
    func write(_ trace: Trace) throws {
        var writer = ByteWriter()
        trace.write(to: &writer)
        let folder = StateFolder.parent(of: path)
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw problem(folder) }
        let draft = "\(path).\(getpid())"
        let fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw problem(draft) }
        let bytes = Self.magic + Digest(of: writer.bytes).bytes + writer.bytes
        let isWritten = Self.put(bytes, fd)
        guard close(fd) == 0, isWritten, rename(draft, path) == 0 else {
            unlink(draft)
            throw problem(path)
        }
        prune(folder)
    }

    /// Only the newest are kept: nobody knows of a run file whether it will be run again.
    private func prune(_ folder: String) {
        guard let names = try? FileBytes.names(in: folder), names.count > Self.limit else { return }
        let aged = names.map { name in (FileStamps(at: "\(folder)/\(name)").lastChange, name) }.sorted { $0 < $1 }
        for (_, name) in aged.prefix(names.count - Self.limit) where !path.hasSuffix(name) {
            unlink("\(folder)/\(name)")
        }
    }

    private static let limit = 32

    public func remove() { unlink(path) }

    private static func put(_ bytes: [UInt8], _ fd: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func problem(_ file: String) -> Failure {
        Failure(.engine, "cannot write \(file): \(String(cString: strerror(errno)))")
    }
}

extension Trace {
    fileprivate func write(to writer: inout ByteWriter) {
        for text in [run, location, project, results.name] { writer.put(text) }
        writer.put(results.settings.sorted { $0.key < $1.key }) { writer, setting in
            writer.put(setting.key)
            writer.put(setting.value.text) { $0.put($1) }
        }
        writer.put(token)
        writer.put(notes) { $0.put($1) }
        writer.put(observations) { $1.write(to: &$0) }
        writer.put(Int64(statuses.count))
        writer.put(statuses.bytes)
    }

    fileprivate init(reading content: ArraySlice<UInt8>) throws {
        var reader = ByteReader(content)
        run = try reader.text()
        location = try reader.text()
        project = try reader.text()
        results = ComponentSpec(name: try reader.text())
        for (name, text) in try reader.list({ (try $0.text(), try $0.optional { try $0.text() }) }) {
            guard let text else { throw ByteReader.Damage() }
            results.settings[name] = Setting(.scalar(text), at: SourceMark(line: 0, column: 0))
        }
        token = try reader.data()
        notes = try reader.list { try $0.text() }
        observations = try reader.list { try Observation(from: &$0) }
        let count = Int(try reader.number())
        guard let statuses = StatusList(bytes: try reader.data(), count: count), reader.isAtEnd else {
            throw ByteReader.Damage()
        }
        self.statuses = statuses
    }
}
