import FoundationEssentials
public import SaturnCore

/// Which executor a run has something on, to be found again when its run file names another one, or is no more.
///
/// ```json
/// {"executor":"Dask","folder":"/home/ada","settings":{"scheduler_address":"tcp://127.0.0.1:8786"}}
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
        guard BridgeFolder.isThere(folder), let text = FileText.read("\(folder)/\(Self.file)", limit: 1 << 20),
            let record = try? JSONDecoder().decode(Record.self, from: Data(text.utf8))
        else { return nil }
        spec = ComponentSpec(name: record.executor, settings: record.settings.mapValues(\.setting))
        self.folder = record.folder
    }

    func write(into folder: String) throws {
        let record = Record(
            executor: spec.name, folder: self.folder, settings: spec.settings.mapValues { JSONValue(verbatim: $0) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try FileText.write(Array(encoder.encode(record)), to: "\(folder)/\(Self.file)")
    }

    private struct Record: Codable {
        var executor: String
        var folder: String
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
