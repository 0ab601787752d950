/// What an `accepted` event says: somebody has declared a result good under another key than its own.
///
/// ```yaml
///   - type: accepted
///     utctimestamp: 2022-09-12T08:00:00.000000+00:00
///     key: 4e074085…
///     changes: "command: --lr 0.8 → --lr 0.9"
/// ```
public struct Acceptance: Hashable, Sendable {
    public static let event = "accepted"

    public var key: TaskKey
    public var time: Timestamp?
    /// In words, what differs between the result's own key and this one. Without values of variables: results can be
    /// read by others.
    public var changes: String?

    public init(key: TaskKey, time: Timestamp?, changes: String?) {
        self.key = key
        self.time = time
        self.changes = changes
    }

    /// As text to append to `events`.
    public var entry: String {
        let changes = self.changes.map { [Variable("changes", $0)] } ?? []
        let time = self.time ?? Timestamp(microseconds: 0)
        return EventLog.entry(Self.event, at: time, [Variable("key", key.description)] + changes)
    }
}

extension EventLog {
    /// Oldest first.
    public var acceptances: [Acceptance] {
        events.filter { $0.type == Acceptance.event }.compactMap { event in
            guard let key = event["key"].flatMap({ TaskKey(hex: $0) }) else { return nil }
            return Acceptance(
                key: key, time: event["utctimestamp"].flatMap { Timestamp($0) }, changes: event["changes"])
        }
    }
}
