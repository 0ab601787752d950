import FoundationEssentials
import Glibc
public import SaturnCore

/// Which executor a run has something on, to be found again when its run file names another one, or is no more.
///
/// ```json
/// {"executor":"Dask","folder":"/home/ada","home":"/home/ada/.saturn/bridges/sweep","settings":{"scheduler_address":"tcp://127.0.0.1:8786"}}
/// ```
public struct ExecutorMemory: Sendable {
    public var spec: ComponentSpec
    /// The run file's, absolute.
    public var folder: String

    static let file = "executor.json"

    init(_ spec: ComponentSpec, _ context: ExecutorContext) {
        (self.spec, folder) = (spec, context.folder)
    }

    /// `nil` when nothing of the run is on an engine.
    ///
    /// - Parameter folder: the run's, see ``ExecutorContext/bridgeFolder``.
    public init?(of folder: String) {
        guard Self.isThere(folder), let record = Self.record(in: folder) else { return nil }
        spec = ComponentSpec(name: record.executor, settings: record.settings.mapValues(\.setting))
        self.folder = record.folder
    }

    /// Whether something of the run may be on an engine.
    public static func isThere(_ folder: String) -> Bool { id(in: folder) != nil }

    /// The run's on the engine; `nil` when nothing is there, or when this is a copy of the folder that it belongs to.
    static func id(in folder: String) -> AttemptID? {
        guard let id = readID(folder) else { return nil }
        guard let home = record(in: folder)?.home, home != folder, readID(home) == id else { return id }
        var (here, there) = (stat(), stat())
        let isSame =
            stat(folder, &here) == 0 && stat(home, &there) == 0 && here.st_dev == there.st_dev
            && here.st_ino == there.st_ino
        return isSame ? id : nil
    }

    private static func readID(_ folder: String) -> AttemptID? {
        FileText.read(folder + "/id", limit: 64).flatMap { AttemptID($0.prefix { !$0.isWhitespace }) }
    }

    private static func record(in folder: String) -> Record? {
        guard let text = FileText.read("\(folder)/\(file)", limit: 1 << 20) else { return nil }
        return try? JSONDecoder().decode(Record.self, from: Data(text.utf8))
    }

    func write(into folder: String) throws {
        let record = Record(
            executor: spec.name, folder: self.folder, home: folder,
            settings: spec.settings.mapValues { JSONValue(verbatim: $0) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try FileText.write(Array(encoder.encode(record)), to: "\(folder)/\(Self.file)")
    }

    private struct Record: Codable {
        var executor: String
        var folder: String
        /// Where this is, unless it was moved or copied.
        var home: String
        var settings: [String: JSONValue]
    }
}

extension JSONValue {
    /// Every scalar as the text that it is.
    fileprivate init(verbatim setting: Setting) {
        switch setting.value {
        case .scalar(let text): self = .text(text)
        case .list(let items): self = .list(items.map { JSONValue(verbatim: $0) })
        case .map(let items): self = .map(items.mapValues { JSONValue(verbatim: $0) })
        }
    }

    fileprivate var setting: Setting {
        let nowhere = SourceMark(line: 0, column: 0)
        switch self {
        case .list(let items): return Setting(.list(items.map(\.setting)), at: nowhere)
        case .map(let items): return Setting(.map(items.mapValues(\.setting)), at: nowhere)
        case .text(let text): return Setting(.scalar(text), at: nowhere)
        case .number, .flag, .null: return Setting(.scalar(""), at: nowhere)
        }
    }
}
