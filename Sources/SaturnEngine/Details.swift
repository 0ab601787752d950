import SaturnCore

/// What values of manifests stand for, kept with the manifests: code, and folders that count by content.
struct Details {
    private let sources: Sources
    /// Values that were looked at.
    private var told: Set<String> = []

    init(_ sources: Sources) {
        self.sources = sources
    }

    /// Adds a manifest, and what is known of its values, each once; returns its key.
    @discardableResult
    mutating func record(_ manifest: Manifest, in batch: inout LedgerBatch) -> TaskKey {
        let encoded = manifest.encoded
        let key = TaskKey(of: encoded)
        batch.manifests[key] = encoded
        for value in [manifest.code, manifest.inputs, manifest.needs].joined() {
            guard let text = value.text, told.insert(text).inserted, let detail = sources.detail(of: text) else {
                continue
            }
            batch.details[text] = detail
        }
        return key
    }
}
