/// Follows the text of a shell command byte by byte, to know how a value has to be written at each place.
///
/// `echo {x} "{x}" '{x}'` wants three spellings of the same value. What is inside `$(…)` and backticks begins anew,
/// comments are skipped, and the bodies of here-documents are known. What only some shells have, such as `$'…'`, is not.
struct ShellQuotes {
    private enum Frame: Hashable {
        /// Outside quotes, with the parentheses that are open.
        case bare(parentheses: Int)
        case backtick
        /// `$((…))`, in which `<<` and `#` are operators.
        case arithmetic(parentheses: Int)
        /// `${…}`
        case braces(isQuoted: Bool)
        case double, single, comment
        case document(HereDocument)
    }

    private struct HereDocument: Hashable {
        var end: [UInt8]
        /// Nothing is expanded in it.
        var isQuoted: Bool
        /// `<<-`
        var allowsTabs: Bool
    }

    private let bytes: [UInt8]
    private var frames: [Frame] = [.bare(parentheses: 0)]
    /// Here-documents whose bodies begin at the next line.
    private var awaited: [HereDocument] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// How a value is written here.
    var use: Template.Use {
        switch frames.last {
        case .double?: .doubleQuoted
        case .single?: .singleQuoted
        case .comment?: .name
        case .document(let document)?: document.isQuoted ? .verbatim : .hereDocument
        case .bare?, .backtick?, .arithmetic?, .braces?, nil: .word
        }
    }

    /// Where no spelling of a value is read back by every shell, in words.
    var obstacle: String? {
        if frames.contains(.backtick) { return "backticks" }
        for frame in frames.reversed() {
            switch frame {
            case .braces: return "${…}"
            case .bare: return nil
            default: continue
            }
        }
        return nil
    }

    /// Goes over the byte at `index`, and those that belong to it; returns the index behind them.
    mutating func step(over index: Int) -> Int {
        switch frames.last ?? .bare(parentheses: 0) {
        case .bare(let parentheses): return stepBare(index, parentheses)
        case .backtick: return stepBare(index, nil)
        case .arithmetic(let parentheses): return stepArithmetic(index, parentheses)
        case .double: return stepDouble(index)
        case .braces(let isQuoted): return stepBraces(index, isQuoted)
        case .document(let document): return step(in: document, index)
        case .single:
            if bytes[index] == UInt8(ascii: "'") { frames.removeLast() }
        case .comment:
            guard bytes[index] == UInt8(ascii: "\n") else { break }
            frames.removeLast()
            return step(over: index)
        }
        return index + 1
    }

    private func has(_ text: StaticString, at index: Int) -> Bool {
        let end = index + text.utf8CodeUnitCount
        return end <= bytes.count
            && text.withUTF8Buffer { buffer in bytes[index..<end].elementsEqual(buffer) }
    }

    private mutating func stepBare(_ index: Int, _ parentheses: Int?) -> Int {
        switch bytes[index] {
        case UInt8(ascii: "\\"): return index + 2
        case UInt8(ascii: "'"): frames.append(.single)
        case UInt8(ascii: "\""): frames.append(.double)
        case UInt8(ascii: "`"):
            if parentheses == nil { frames.removeLast() } else { frames.append(.backtick) }
        case UInt8(ascii: "$"): return expansion(index) ?? index + 1
        case UInt8(ascii: "("):
            if isWordStart(index), has("((", at: index) {
                frames.append(.arithmetic(parentheses: 2))
                return index + 2
            }
            if let parentheses { frames[frames.count - 1] = .bare(parentheses: parentheses + 1) }
        case UInt8(ascii: ")"): if let parentheses { closeParenthesis(parentheses) }
        case UInt8(ascii: "#"): if isWordStart(index) { frames.append(.comment) }
        case UInt8(ascii: "<"):
            if has("<<<", at: index) { return index + 3 }
            if has("<<", at: index) { return hereDocument(index + 2) }
        case UInt8(ascii: "\n"): beginDocuments()
        default: break
        }
        return index + 1
    }

    private mutating func closeParenthesis(_ open: Int) {
        if open == 1, frames.count > 1 {
            frames.removeLast()
        } else if open > 0 {
            frames[frames.count - 1] = .bare(parentheses: open - 1)
        }
    }

    private func isWordStart(_ index: Int) -> Bool {
        index == 0 || " \t\r\n;&|()<>`".utf8.contains(bytes[index - 1])
    }

    /// `$(` and `$((` begin something; `nil` for any other dollar.
    private mutating func expansion(_ index: Int) -> Int? {
        if has("$((", at: index) {
            frames.append(.arithmetic(parentheses: 2))
            return index + 3
        }
        if has("${", at: index) {
            frames.append(.braces(isQuoted: frames.contains(.double)))
            return index + 2
        }
        guard has("$(", at: index) else { return nil }
        frames.append(.bare(parentheses: 1))
        return index + 2
    }

    private mutating func stepBraces(_ index: Int, _ isQuoted: Bool) -> Int {
        switch bytes[index] {
        case UInt8(ascii: "}"): frames.removeLast()
        case UInt8(ascii: "\\"): return index + 2
        case UInt8(ascii: "'") where !isQuoted: frames.append(.single)
        case UInt8(ascii: "\""): frames.append(.double)
        case UInt8(ascii: "`"): frames.append(.backtick)
        case UInt8(ascii: "$"): return expansion(index) ?? index + 1
        default: break
        }
        return index + 1
    }

    private mutating func stepArithmetic(_ index: Int, _ parentheses: Int) -> Int {
        switch bytes[index] {
        case UInt8(ascii: "("): frames[frames.count - 1] = .arithmetic(parentheses: parentheses + 1)
        case UInt8(ascii: ")"):
            frames.removeLast()
            if parentheses > 1 { frames.append(.arithmetic(parentheses: parentheses - 1)) }
        case UInt8(ascii: "$"): return expansion(index) ?? index + 1
        default: break
        }
        return index + 1
    }

    private mutating func stepDouble(_ index: Int) -> Int {
        switch bytes[index] {
        case UInt8(ascii: "\""): frames.removeLast()
        case UInt8(ascii: "`"): frames.append(.backtick)
        case UInt8(ascii: "$"): return expansion(index) ?? index + 1
        // Before other bytes it is itself.
        case UInt8(ascii: "\\") where index + 1 < bytes.count && "\"\\$`".utf8.contains(bytes[index + 1]):
            return index + 2
        default: break
        }
        return index + 1
    }
}

/// Here-documents.
extension ShellQuotes {
    /// Notes the one whose `<<` ends at `index`; returns the index behind its word.
    private mutating func hereDocument(_ index: Int) -> Int {
        var position = index
        let allowsTabs = has("-", at: position)
        if allowsTabs { position += 1 }
        while position < bytes.count, bytes[position] == 32 || bytes[position] == 9 { position += 1 }
        var document = HereDocument(end: [], isQuoted: false, allowsTabs: allowsTabs)
        while position < bytes.count, !" \t\r\n;&|()<>".utf8.contains(bytes[position]) {
            if "\"'\\".utf8.contains(bytes[position]) {
                document.isQuoted = true
            } else {
                document.end.append(bytes[position])
            }
            position += 1
        }
        if !document.end.isEmpty { awaited.append(document) }
        return position
    }

    /// At the end of a line: the first of the awaited ones is on top.
    private mutating func beginDocuments() {
        for document in awaited.reversed() { frames.append(.document(document)) }
        awaited = []
    }

    private mutating func step(in document: HereDocument, _ index: Int) -> Int {
        if bytes[index - 1] == UInt8(ascii: "\n"), let end = end(of: document, index) {
            frames.removeLast()
            return end
        }
        guard !document.isQuoted else { return index + 1 }
        switch bytes[index] {
        case UInt8(ascii: "\\"): return index + 2
        case UInt8(ascii: "$"): return expansion(index) ?? index + 1
        case UInt8(ascii: "`"): frames.append(.backtick)
        default: break
        }
        return index + 1
    }

    /// The index behind the line at `index`, if that line ends the document.
    private func end(of document: HereDocument, _ index: Int) -> Int? {
        var start = index
        while document.allowsTabs, start < bytes.count, bytes[start] == 9 { start += 1 }
        let end = start + document.end.count
        guard end <= bytes.count, bytes[start..<end].elementsEqual(document.end) else { return nil }
        if end == bytes.count { return end }
        return bytes[end] == UInt8(ascii: "\n") ? end + 1 : nil
    }
}
