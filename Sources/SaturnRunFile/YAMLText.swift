internal import CLibYAML
internal import SaturnCore

/// One YAML document, read into a tree.
///
/// Reading stops at the first error of syntax and at a bound that is passed; duplicate keys, unknown aliases and
/// tags are all reported, with as much of the tree as they leave.
struct YAMLText {
    /// `nil` when there is no document or it could not be read to its end.
    private(set) var root: YAMLNode?
    private(set) var problems: [Diagnostic] = []

    init(_ bytes: [UInt8], origin: YAMLOrigin) {
        let start = origin.mark(line: 0, column: 0)
        if Self.isUTF16(bytes) {
            problems = [Diagnostic(at: start, "the text is UTF-16", hint: "save the file as UTF-8")]
            return
        }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        var builder = YAMLBuilder()
        do throws(YAMLRefusal) {
            try Self.read(text, origin, into: &builder)
            root = builder.root
            problems = builder.problems
        } catch {
            problems = builder.problems + [error.diagnostic]
        }
    }

    /// UTF-16 begins with its own BOM, or with an ASCII character of which one byte is zero.
    private static func isUTF16(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 2 else { return false }
        let (first, second) = (bytes[0], bytes[1])
        return (first == 0xFF && second == 0xFE) || (first == 0xFE && second == 0xFF) || (first == 0) != (second == 0)
    }

    private static func read(
        _ text: ArraySlice<UInt8>, _ origin: YAMLOrigin, into builder: inout YAMLBuilder
    ) throws(YAMLRefusal) {
        try text.withUnsafeBufferPointer { buffer throws(YAMLRefusal) in
            var events = YAMLEvents(buffer)
            while let event = events.next() {
                if event.pointee.type == YAML_STREAM_END_EVENT { return }
                try handle(event, origin, &builder)
            }
            throw YAMLRefusal(
                diagnostic: YAMLSyntaxProblem(failure: events.failure, bytes: text, origin: origin).diagnostic)
        }
    }

    private static func handle(
        _ event: UnsafePointer<yaml_event_t>, _ origin: YAMLOrigin, _ builder: inout YAMLBuilder
    ) throws(YAMLRefusal) {
        let (start, end) = (event.pointee.start_mark, event.pointee.end_mark)
        let data = event.pointee.data
        switch event.pointee.type {
        case YAML_DOCUMENT_START_EVENT:
            guard builder.root != nil else { return }
            throw YAMLRefusal(
                diagnostic: Diagnostic(
                    at: origin.mark(start, end), "a second document begins here", hint: "a file holds one document"))
        case YAML_SCALAR_EVENT:
            scalar(data.scalar, at: origin.mark(start, end), &builder)
        case YAML_ALIAS_EVENT:
            try builder.alias(string(data.alias.anchor), at: origin.mark(start, end))
        case YAML_SEQUENCE_START_EVENT:
            let mark = origin.mark(start, end)
            refuse(tag: data.sequence_start.tag, at: mark, &builder)
            try builder.open(mapping: false, at: mark, anchor: name(data.sequence_start.anchor))
        case YAML_MAPPING_START_EVENT:
            let mark = origin.mark(start, end)
            refuse(tag: data.mapping_start.tag, at: mark, &builder)
            try builder.open(mapping: true, at: mark, anchor: name(data.mapping_start.anchor))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            let last = origin.mark(end, end)
            builder.close { first in
                var mark = first
                if first.line == last.line { mark.length = max(1, last.column - first.column) }
                return mark
            }
        default: break
        }
    }

    private static func scalar(
        _ scalar: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar, at mark: SourceMark,
        _ builder: inout YAMLBuilder
    ) {
        var plain = scalar.style == YAML_PLAIN_SCALAR_STYLE
        if let tag = scalar.tag {
            // `!` alone is YAML's other way to say "a string".
            let tag = string(tag)
            if tag != "!" && tag != prefix + "str" { refuse(tag, at: mark, &builder) }
            plain = false
        }
        let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        builder.scalar(text, plain: plain, at: mark, anchor: name(scalar.anchor))
    }

    private static let prefix = "tag:yaml.org,2002:"

    private static func refuse(
        tag: UnsafeMutablePointer<yaml_char_t>?, at mark: SourceMark, _ builder: inout YAMLBuilder
    ) {
        if let tag { refuse(string(tag), at: mark, &builder) }
    }

    private static func refuse(_ tag: String, at mark: SourceMark, _ builder: inout YAMLBuilder) {
        let shown = tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag
        builder.report(mark, "the tag '\(shown)' is not supported", hint: "leave it out")
    }

    private static func name(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { string($0) }
    }

    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>) -> String {
        String(cString: pointer)
    }
}
