internal import CLibYAML
internal import SaturnCore

/// libyaml's errors in the words of someone who edits a run file.
struct YAMLSyntaxProblem {
    var failure: YAMLFailure
    var bytes: ArraySlice<UInt8>
    var origin: YAMLOrigin

    var diagnostic: Diagnostic {
        failure.isEncoding ? encoding : syntax
    }

    private var encoding: Diagnostic {
        let mark = origin.mark(of: failure.offset, in: bytes)
        if failure.problem.hasPrefix("control characters") {
            return Diagnostic(at: mark, "the control character U+\(hex(failure.value)) is not allowed")
        }
        return Diagnostic(at: mark, "the text is not valid UTF-8", hint: "save the file as UTF-8")
    }

    private var syntax: Diagnostic {
        switch (failure.problem, failure.context) {
        case ("mapping values are not allowed in this context", _):
            Diagnostic(
                at: here, "mapping values are not allowed here", hint: "put a text that contains ': ' in quotes")
        case ("found unexpected end of stream", "while scanning a quoted scalar"?):
            Diagnostic(at: start, "this quote is never closed")
        case ("could not find expected ':'", _):
            Diagnostic(at: start, "expected ': ' after this key")
        case ("found character that cannot start any token", _): cannotStart
        case ("did not find expected key", _), ("did not find expected '-' indicator", _):
            Diagnostic(at: here, words, hint: "check that the lines are indented alike")
        default: Diagnostic(at: here, words)
        }
    }

    private var cannotStart: Diagnostic {
        guard let character else { return Diagnostic(at: here, words) }
        return character == "\t"
            ? Diagnostic(at: here, "a tab cannot indent a line", hint: "use spaces")
            : Diagnostic(at: here, "a value cannot begin with '\(character)'", hint: "put it in quotes")
    }

    /// libyaml's words, shortened, with the place where the broken thing began.
    private var words: String {
        var text = failure.problem
        for (long, short) in [
            ("did not find expected ", "expected "), ("could not find expected ", "expected "),
            ("'-' indicator", "'- '"),
            ("<document start>", "the end of the file"), ("key", "a key"), ("node content", "a value"),
        ] where text.hasPrefix(long) || text.hasSuffix(" " + long) {
            text = text.hasPrefix(long) ? short + text.dropFirst(long.count) : text.dropLast(long.count) + short
        }
        if text.hasSuffix(" in this context") { text = text.dropLast(" in this context".count) + " here" }
        guard let context = failure.context, start.line != here.line,
            let thing = context.split(separator: " ", maxSplits: 2).last
        else { return text }
        return "\(text), in \(thing == "a flow node" ? "a value" : thing) that begins at line \(start.line)"
    }

    private var here: SourceMark {
        // At the end libyaml counts a line more than there is when the last one has no line end.
        byte(atCharacter: failure.mark.index) == nil
            ? origin.mark(of: bytes.count, in: bytes)
            : origin.mark(line: failure.mark.line, column: failure.mark.column)
    }

    private var start: SourceMark { origin.mark(line: failure.contextMark.line, column: failure.contextMark.column) }

    /// The character at the mark. Only ASCII ones cannot start a token.
    private var character: Character? {
        let index = failure.mark.index
        guard let byte = byte(atCharacter: index), byte < 0x80 else { return nil }
        return Character(Unicode.Scalar(byte))
    }

    /// libyaml's index counts characters, not bytes.
    private func byte(atCharacter index: Int) -> UInt8? {
        bytes.lazy.filter { $0 & 0xC0 != 0x80 }.dropFirst(index).first
    }

    private func hex(_ value: Int) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}
