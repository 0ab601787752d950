import SaturnCore

/// An object that says who is at work in the results, renewed while that is so.
struct Lease: Hashable, Sendable {
    static let namePrefix = "lease-"
    /// In seconds: how often it is renewed, and after how long nobody believes in it any more.
    static let period = 20
    static let lapse = 120

    var name: String
    /// Seconds since it was renewed, by the server's clock.
    var age: Int64

    var isLive: Bool { age < Self.lapse }

    static func name(epoch: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return namePrefix + IndexSegments.padded(epoch, 10) + "-\(AttemptID(using: &generator))"
    }
}

/// The lines of a lock's holder, as far as a store has to understand them: see `LockHolder`.
struct HolderText: Hashable, Sendable {
    /// For people.
    var words: String
    var host: String
    /// The project and the folder of its state.
    var owner: String

    init(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        words = lines.first ?? ""
        let parts = words.split(separator: " ")
        host = parts.count >= 4 ? String(parts[3]) : ""
        owner = lines.count > 2 ? lines[2] : ""
    }

    /// Whether both are of the same state folder on the same machine.
    func isSame(as other: HolderText) -> Bool { !owner.isEmpty && owner == other.owner && host == other.host }
}
