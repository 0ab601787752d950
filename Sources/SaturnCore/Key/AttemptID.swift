/// The UUID of one execution of a task (version 4), or of a run on an engine (version 8).
public struct AttemptID: Hashable, Sendable, CustomStringConvertible {
    public var high: UInt64
    public var low: UInt64

    public init(using generator: inout some RandomNumberGenerator) {
        high = generator.next() & ~0xF000 | 0x4000
        low = generator.next() & ~(3 << 62) | 1 << 63
    }

    /// The same for the same digest.
    public init(digest: Digest) {
        let (first, second) = (digest.bytes.prefix(8), digest.bytes.dropFirst(8).prefix(8))
        high = first.reduce(0) { $0 << 8 | UInt64($1) } & ~0xF000 | 0x8000
        low = second.reduce(0) { $0 << 8 | UInt64($1) } & ~(3 << 62) | 1 << 63
    }

    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        self.init(raw: Array(bytes))
    }

    private init?(raw bytes: [UInt8]) {
        guard let id = bytes.withUnsafeBytes({ Self(raw: $0) }) else { return nil }
        self = id
    }

    /// `nil` unless there are exactly 16 bytes.
    public init?(raw bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 36, let bytes = Hex.decode(String(text.filter { $0 != "-" })) else { return nil }
        self.init(bytes: bytes)
    }

    public var bytes: [UInt8] {
        [high, low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
        }
    }

    public var description: String {
        var text = Array(Hex.encode(bytes).utf8)
        for position in [20, 16, 12, 8] { text.insert(UInt8(ascii: "-"), at: position) }
        return String(decoding: text, as: UTF8.self)
    }
}
