import SaturnCore

/// What values of manifests stand for, kept with the manifests: code, and folders that count by content.
struct Details {
    private let sources: Sources
    /// Values that were looked at.
    private var told: Set<String> = []

    init(_ sources: Sources) {
        self.sources = sources
    }

    /// Adds a manifest, and what is known of its values, each once.
    mutating func record(_ manifest: Manifest, encoded: [UInt8], under key: TaskKey, in batch: inout LedgerBatch) {
        batch.manifests[key] = encoded
        for value in [manifest.code, manifest.inputs, manifest.needs].joined() {
            guard let text = value.text, told.insert(text).inserted, let detail = sources.detail(of: text) else {
                continue
            }
            batch.details[text] = detail
        }
    }
}
