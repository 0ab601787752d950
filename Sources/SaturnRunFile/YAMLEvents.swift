internal import CLibYAML
internal import SaturnCore

/// libyaml's event parser over bytes that outlive it.
struct YAMLEvents: ~Copyable {
    /// On the heap, because libyaml keeps pointers into its own parser.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let event: UnsafeMutablePointer<yaml_event_t>
    private let isReady: Bool

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        parser = .allocate(capacity: 1)
        event = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        event.initialize(to: yaml_event_t())
        isReady = yaml_parser_initialize(parser) == 1
        guard isReady else { return }
        // The encoding is set, so that libyaml guesses none; a BOM is the caller's to skip.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_event_delete(event)
        if isReady { yaml_parser_delete(parser) }
        event.deallocate()
        parser.deallocate()
    }

    /// The next event, valid until the next call; `nil` after an error, which ``failure`` describes.
    mutating func next() -> UnsafePointer<yaml_event_t>? {
        yaml_event_delete(event)
        guard isReady, yaml_parser_parse(parser, event) == 1 else { return nil }
        return UnsafePointer(event)
    }

    /// What made ``next()`` return `nil`.
    var failure: YAMLFailure {
        let problem = parser.pointee
        return YAMLFailure(
            isEncoding: problem.error == YAML_READER_ERROR,
            problem: problem.problem.map { String(cString: $0) } ?? "out of memory",
            mark: problem.problem_mark,
            context: problem.context.map { String(cString: $0) },
            contextMark: problem.context_mark,
            offset: problem.problem_offset,
            value: Int(problem.problem_value))
    }
}

/// An error in libyaml's own terms.
struct YAMLFailure {
    /// Whether the bytes are not text; then `offset` and `value` say which, and there is no mark.
    var isEncoding: Bool
    var problem: String
    var mark: yaml_mark_t
    var context: String?
    var contextMark: yaml_mark_t
    var offset: Int
    var value: Int
}
