public import SaturnCore

/// How much room what was superseded takes, when that is worth a look.
public enum AtticSize {
    /// Bytes below which nobody needs to know.
    public static let worthALook: Int64 = 1 << 30

    /// Looks at 20,000 files at most: it is a courtesy, and must not make anybody wait. What cannot be listed is not
    /// worth an error here.
    public static func measure(_ store: any ResultStore, threshold: Int64 = worthALook) -> AtticUse? {
        guard let use = try? store.atticUse(limit: 20_000), use.bytes >= threshold else { return nil }
        return use
    }
}
