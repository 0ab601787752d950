import SaturnCore

/// A changed field in the documents of `--json`.
struct ChangeDocument: Encodable {
    struct File: Encodable {
        var path: String
        /// `added`, `removed` or `changed`.
        var change: String
        var uncommitted: Bool
    }

    var field: String
    var old: String?
    var new: String?
    /// The first ones; left out where they are not known.
    var files: [File]?
    /// How many more there are.
    var moreFiles: Int?

    enum CodingKeys: String, CodingKey {
        case field, old, new, files, moreFiles = "more_files"
    }

    /// - Parameter limit: the number of files that are listed.
    init(_ change: FieldChange, limit: Int) {
        (field, old, new) = (change.field, change.old, change.new)
        guard !change.files.isEmpty else { return }
        files = change.files.prefix(limit).map {
            File(path: $0.path, change: $0.kind.rawValue, uncommitted: $0.isUncommitted)
        }
        if change.files.count > limit { moreFiles = change.files.count - limit }
    }

    static func all(of reason: Reason, limit: Int) -> [ChangeDocument] {
        if case .changed(let changes) = reason { changes.map { ChangeDocument($0, limit: limit) } } else { [] }
    }
}

/// Under which key a result was declared good.
struct AcceptanceDocument: Encodable {
    var key: String
    var time: String?
    var changes: String?

    init(_ acceptance: Acceptance) {
        key = acceptance.key.description
        time = acceptance.time?.description
        changes = acceptance.changes
    }
}
