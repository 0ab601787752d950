/// Length-prefixed: no two different lists of fields have the same bytes.
public enum ManifestCoding {
    public static func encode(_ fields: [Manifest.Field]) -> [UInt8] {
        var coder = ManifestCoder()
        for field in fields {
            coder.begin(field.label, field.values.count)
            for value in field.values { coder.take(value.name, value.text) }
        }
        return coder.bytes
    }

    /// `nil` when the bytes are of another version, or damaged.
    public static func decode(_ bytes: [UInt8]) -> [Manifest.Field]? {
        var rest = bytes[...]
        guard text(&rest) == Manifest.version else { return nil }
        var fields: [Manifest.Field] = []
        while !rest.isEmpty {
            guard let label = text(&rest), let count = number(&rest) else { return nil }
            var values: [Manifest.Value] = []
            for _ in 0..<count {
                guard let name = text(&rest), let present = rest.popFirst(), let value = text(&rest) else { return nil }
                values.append(Manifest.Value(name, present == 0 ? nil : value))
            }
            fields.append(Manifest.Field(label, values))
        }
        return fields
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        let value = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        bytes.removeFirst(4)
        return value
    }

    private static func text(_ bytes: inout ArraySlice<UInt8>) -> String? {
        guard let count = number(&bytes), bytes.count >= count else { return nil }
        defer { bytes.removeFirst(count) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// Writes fields as they are told; one of them serves for many manifests.
public struct ManifestCoder: FieldVisitor {
    /// Grown ahead, so that a value is copied and no more.
    private var buffer = [UInt8](repeating: 0, count: 512)
    private var end = 0

    public init() { append(Manifest.version) }

    var bytes: [UInt8] { Array(buffer[..<end]) }
    var digest: Digest { Digest(of: buffer[..<end]) }

    public mutating func key(of manifest: Manifest) -> TaskKey {
        end = 0
        append(Manifest.version)
        manifest.visit(&self)
        return digest
    }

    public mutating func begin(_ label: String, _ count: Int) {
        append(label)
        append(count)
    }

    public mutating func take(_ name: String, _ text: String?) {
        append(name)
        reserve(1)
        buffer[end] = text == nil ? 0 : 1
        end += 1
        append(text ?? "")
    }

    private mutating func append(_ number: Int) {
        reserve(4)
        buffer.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(clamping: number).bigEndian, toByteOffset: end, as: UInt32.self)
        }
        end += 4
    }

    private mutating func append(_ text: String) {
        var text = text
        append(text.utf8.count)
        text.withUTF8 { utf8 in
            reserve(utf8.count)
            buffer.withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[end...]).copyMemory(from: UnsafeRawBufferPointer(utf8))
            }
            end += utf8.count
        }
    }

    private mutating func reserve(_ count: Int) {
        guard end + count > buffer.count else { return }
        buffer += [UInt8](repeating: 0, count: max(buffer.count, count))
    }
}
