import SaturnCore

/// Puts changes of digests down to the files that they come from, from what the ledger keeps of the old ones.
final class ChangedFiles {
    private struct Question: Hashable {
        var isCode: Bool
        var old: String
        var new: String
    }

    private let ledger: any Ledger
    private let sources: Sources
    /// A change of the code is the same one for every task.
    private var answers: [Question: [FileChange]] = [:]

    init(ledger: any Ledger, sources: Sources) {
        self.ledger = ledger
        self.sources = sources
    }

    func explain(_ changes: [FieldChange]) throws -> [FieldChange] {
        try changes.map { change in
            var change = change
            change.files = try files(of: change)
            return change
        }
    }

    private func files(of change: FieldChange) throws -> [FileChange] {
        let isCode = change.field == "code.tree"
        guard isCode || change.field.hasPrefix("inputs.") || change.field.hasPrefix("needs."),
            let old = change.old, let new = change.new
        else { return [] }
        let question = Question(isCode: isCode, old: old, new: new)
        if let known = answers[question] { return known }
        let files = try isCode ? code(old, new) : folder(old, new)
        answers[question] = files
        return files
    }

    private func code(_ old: String, _ new: String) throws -> [FileChange] {
        guard let detail = try ledger.detail(of: old).flatMap({ CodeDetail(decoding: $0) }) else { return [] }
        return sources.differences(from: detail, to: new) ?? []
    }

    private func folder(_ old: String, _ new: String) throws -> [FileChange] {
        guard let now = sources.detail(of: new).flatMap({ FolderListing(decoding: $0) }),
            let was = try ledger.detail(of: old).flatMap({ FolderListing(decoding: $0) })
        else { return [] }
        return was.differences(to: now)
    }
}
