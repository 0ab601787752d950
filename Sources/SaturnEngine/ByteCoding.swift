import SaturnCore

/// Numbers and texts as bytes: little-endian, lengths first.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func put(_ number: Int64) { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }

    mutating func put(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    mutating func put(_ data: [UInt8]) {
        put(Int64(data.count))
        bytes += data
    }

    mutating func put(_ text: String) {
        put(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func put(_ digest: Digest) { put(digest.bytes) }

    mutating func put<Value>(_ value: Value?, _ write: (inout ByteWriter, Value) -> Void) {
        put(value != nil)
        if let value { write(&self, value) }
    }

    mutating func put<Value>(_ values: [Value], _ write: (inout ByteWriter, Value) -> Void) {
        put(Int64(values.count))
        for value in values { write(&self, value) }
    }
}

/// Reads what ``ByteWriter`` wrote, and throws where there is anything else.
struct ByteReader {
    struct Damage: Error {}

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    var isAtEnd: Bool { rest.isEmpty }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw Damage() }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func number() throws -> Int64 {
        try take(8).reversed().reduce(0) { $0 << 8 | Int64($1) }
    }

    mutating func flag() throws -> Bool { try take(1).first == 1 }

    mutating func data() throws -> [UInt8] { Array(try take(Int(number()))) }

    mutating func text() throws -> String { String(decoding: try take(Int(number())), as: UTF8.self) }

    mutating func digest() throws -> Digest {
        guard let digest = Digest(bytes: try data()) else { throw Damage() }
        return digest
    }

    mutating func optional<Value>(_ read: (inout ByteReader) throws -> Value) throws -> Value? {
        try flag() ? read(&self) : nil
    }

    mutating func list<Value>(_ read: (inout ByteReader) throws -> Value) throws -> [Value] {
        let count = Int(try number())
        guard count >= 0, count <= rest.count else { throw Damage() }
        return try (0..<count).map { _ in try read(&self) }
    }
}
