import CLibPCRE2
import SaturnCore

/// A regular expression that is looked for line by line.
///
/// ```swift
/// let expression = try Expression("loss=nan|Error", ignoresCase: false)
/// let matcher = try Matcher(expression)
/// ```
// The pointers are to compiled code that nothing changes any more, and that is never freed.
struct Expression: @unchecked Sendable {
    /// For one line; for more than one where ``isForMany``.
    fileprivate let code: UnsafeRawPointer
    /// Whether no match goes beyond a line, so that many can be searched at once.
    let isForMany: Bool

    /// - Throws: ``Diagnostics`` with the place of the mistake.
    init(_ text: String, ignoresCase: Bool) throws {
        if let problem = saturn_pcre2_load() {
            throw Failure(
                .engine, "cannot search: \(String(cString: problem))",
                hint: "install the library: apt-get install libpcre2-8-0")
        }
        // What is wrong is said of the expression as it was written.
        let asWritten = try Self.compile(text, ignoresCase)
        let narrowed = try? LineExpression(text).text.map { try Self.compile($0, ignoresCase) }
        code = narrowed ?? asWritten
        isForMany = narrowed != nil
    }

    private static func compile(_ text: String, _ ignoresCase: Bool) throws -> UnsafeRawPointer {
        var problem = saturn_pcre2_problem()
        let bytes = Array(text.utf8)
        if let code = saturn_pcre2_compile(bytes, bytes.count, ignoresCase ? 1 : 0, &problem) { return code }
        let words = withUnsafeBytes(of: &problem.words) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let column = String(decoding: bytes.prefix(problem.offset), as: UTF8.self).unicodeScalars.count + 1
        let mark = SourceMark(line: 1, column: column)
        throw Diagnostics([Diagnostic(at: mark, words)], sources: [SourceText(path: "--grep", bytes: bytes)])
    }
}

/// Looks for an expression; for one thread.
final class Matcher {
    private let expression: Expression
    private let state: OpaquePointer

    /// - Throws: ``Failure`` when there is no memory.
    init(_ expression: Expression) throws {
        guard let state = saturn_pcre2_matcher_make(expression.code) else {
            throw Failure(.engine, "cannot search: there is no memory")
        }
        self.expression = expression
        self.state = state
    }

    deinit { saturn_pcre2_matcher_free(state) }

    var isForMany: Bool { expression.isForMany }

    /// The first match that begins at `start` or behind it.
    func find(in bytes: UnsafeRawBufferPointer, from start: Int) throws -> Range<Int>? {
        guard let base = bytes.baseAddress else { return nil }
        var (from, to) = (0, 0)
        let result = saturn_pcre2_find(
            state, base.assumingMemoryBound(to: UInt8.self), bytes.count, start, &from, &to)
        guard result != 0 else { return nil }
        // By a lookahead a match may be made to begin behind its end.
        guard result < 0 else { return from..<max(from, to) }
        guard saturn_pcre2_is_limit(result) == 0 else {
            throw Failure(
                .usage, "the expression takes too many steps",
                hint: "repeats within repeats, as in (a+)+, try all ways there are")
        }
        throw Failure(.engine, "cannot search: PCRE2 error \(result)")
    }
}
