/// Reads the answers of S3: elements, text and entities; no attributes, no namespaces, nothing else of XML.
///
/// ```swift
/// S3XML(body).first("Code")            // "NoSuchKey"
/// S3XML(body).all("Contents")          // one for each object, to be asked in turn
/// ```
struct S3XML: Sendable {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes)[...]
    }

    private init(slice: ArraySlice<UInt8>) {
        bytes = slice
    }

    /// The text of the first element of that name, at any depth.
    func first(_ name: String) -> String? { all(name, limit: 1).first.map(\.text) }

    /// The elements of that name, none of which is in another.
    func all(_ name: String) -> [S3XML] { all(name, limit: .max) }

    private func all(_ name: String, limit: Int) -> [S3XML] {
        let name = Array(name.utf8)
        var found: [S3XML] = []
        var rest = bytes
        while found.count < limit, let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[(open + 1)...]
            guard rest.starts(with: name), let after = rest.dropFirst(name.count).first,
                after == UInt8(ascii: ">") || after == UInt8(ascii: " ") || after == UInt8(ascii: "/"),
                let end = rest.firstIndex(of: UInt8(ascii: ">"))
            else { continue }
            let isEmpty = rest[end - 1] == UInt8(ascii: "/")
            rest = rest[(end + 1)...]
            guard !isEmpty else {
                found.append(S3XML(slice: []))
                continue
            }
            guard let close = Self.position(of: name, in: rest) else { break }
            found.append(S3XML(slice: rest[..<close]))
            rest = rest[close...]
        }
        return found
    }

    /// Of the closing tag.
    private static func position(of name: [UInt8], in rest: ArraySlice<UInt8>) -> Int? {
        var rest = rest
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[(open + 1)...]
            if rest.first == UInt8(ascii: "/"), rest.dropFirst().starts(with: name),
                rest.dropFirst(1 + name.count).first == UInt8(ascii: ">")
            {
                return open
            }
        }
        return nil
    }

    var text: String {
        guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
        var text: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "&"), let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
                text.append(byte)
                continue
            }
            text += Self.entity(String(decoding: rest[..<end], as: UTF8.self))
            rest = rest[(end + 1)...]
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func entity(_ name: String) -> [UInt8] {
        switch name {
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "amp": return [UInt8(ascii: "&")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default:
            let isHex = name.hasPrefix("#x")
            let value = UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10) ?? 0xFFFD
            return Array(String(Unicode.Scalar(value) ?? "\u{fffd}").utf8)
        }
    }

    /// Text to put into an element.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "\0"..."\u{1f}", "\u{7f}": escaped += "&#x\(String(scalar.value, radix: 16));"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
