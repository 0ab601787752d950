/// Some of the 256 bytes.
struct ByteSet {
    private var words: SIMD4<UInt64> = .zero

    init() {}

    init(_ byte: UInt8) { insert(byte) }

    /// One of C's classes, in the C locale: `alpha`, `digit`.
    init?(named name: String) {
        let (lower, upper, digits): (ClosedRange<UInt8>, ClosedRange<UInt8>, ClosedRange<UInt8>) = (
            0x61...0x7A, 0x41...0x5A, 0x30...0x39
        )
        let ranges: [ClosedRange<UInt8>]
        switch name {
        case "alnum": ranges = [lower, upper, digits]
        case "alpha": ranges = [lower, upper]
        case "blank": ranges = [0x09...0x09, 0x20...0x20]
        case "cntrl": ranges = [0x00...0x1F, 0x7F...0x7F]
        case "digit": ranges = [digits]
        case "graph": ranges = [0x21...0x7E]
        case "lower": ranges = [lower]
        case "print": ranges = [0x20...0x7E]
        case "punct": ranges = [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
        case "space": ranges = [0x09...0x0D, 0x20...0x20]
        case "upper": ranges = [upper]
        case "xdigit": ranges = [digits, 0x41...0x46, 0x61...0x66]
        default: return nil
        }
        for range in ranges { insert(range) }
    }

    var inverted: ByteSet {
        var set = self
        set.words = ~words
        return set
    }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }
    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    mutating func insert(_ range: ClosedRange<UInt8>) { for byte in range { insert(byte) } }
    mutating func formUnion(_ other: ByteSet) { words |= other.words }
}
