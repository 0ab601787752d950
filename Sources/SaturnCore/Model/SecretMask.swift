/// Replaces secrets in a stream of bytes by `***`, also where one is split between two writes.
///
/// ```swift
/// var mask = SecretMask(["hunter2"])
/// mask.feed(Array("my hun".utf8))   // "my "
/// mask.feed(Array("ter2!".utf8))    // "***!"
/// mask.finish()                     // ""
/// ```
public struct SecretMask: Sendable {
    /// The longest first: of two secrets that begin at one place the longer one counts.
    private let secrets: [[UInt8]]
    private let beginnings: Set<UInt8>
    /// The end of what came, that may be the beginning of a secret.
    private var held: [UInt8] = []

    /// - Parameter secrets: empty ones are ignored.
    public init(_ secrets: [String]) {
        self.secrets = secrets.map { Array($0.utf8) }.filter { !$0.isEmpty }.sorted { $0.count > $1.count }
        beginnings = Set(self.secrets.map { $0[0] })
    }

    /// What can be shown so far.
    public mutating func feed(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        held += bytes
        return take(atEnd: false)
    }

    /// What was held back, when nothing more comes.
    public mutating func finish() -> [UInt8] { take(atEnd: true) }

    private mutating func take(atEnd: Bool) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(held.count)
        var position = 0
        scan: while position < held.count {
            if beginnings.contains(held[position]) {
                let rest = held[position...]
                for secret in secrets {
                    if rest.starts(with: secret) {
                        shown += Array("***".utf8)
                        position += secret.count
                        continue scan
                    }
                    if !atEnd, rest.count < secret.count, secret.starts(with: rest) { break scan }
                }
            }
            shown.append(held[position])
            position += 1
        }
        held.removeFirst(position)
        return shown
    }
}
