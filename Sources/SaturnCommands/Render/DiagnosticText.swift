import SaturnCore

/// The one place where errors become text.
///
/// ```
/// run.yaml:4:5: error: unknown key 'comand'; did you mean 'command'?
///   4 |     comand: python train.py
///     |     ^~~~~~
/// ```
struct DiagnosticText {
    let style: Style

    func render(_ diagnostics: Diagnostics) -> String {
        diagnostics.items.map { render($0, diagnostics.sources) }.joined()
    }

    func render(_ diagnostic: Diagnostic, _ sources: [SourceText]) -> String {
        let hint = diagnostic.hint.map { "; \($0)" } ?? ""
        let body = "\(severity(diagnostic.severity)): \(Printable.text(diagnostic.message + hint))\n"
        guard let mark = diagnostic.mark, sources.indices.contains(Int(mark.source)) else { return "saturn: " + body }
        let source = sources[Int(mark.source)]
        let place = style.bold("\(Printable.text(source.path)):\(mark.line):\(mark.column)")
        return "\(place): \(body)\(excerpt(source, mark))"
    }

    func render(_ failure: Failure) -> String {
        let hint = failure.hint.map { "\n  \(style.dim("hint:")) \(Printable.text($0))" } ?? ""
        return "saturn: \(severity(.error)): \(Printable.text(failure.message))\(hint)\n"
    }

    func warning(_ text: String) -> String { "saturn: \(severity(.warning)): \(Printable.text(text))\n" }

    private func severity(_ severity: Diagnostic.Severity) -> String {
        switch severity {
        case .error: style.red(severity.rawValue)
        case .warning: style.yellow(severity.rawValue)
        case .note: style.bold(severity.rawValue)
        }
    }

    private func excerpt(_ source: SourceText, _ mark: SourceMark) -> String {
        guard let line = line(source, Int(mark.line)) else { return "" }
        // A window, so that a line of a megabyte stays readable.
        let start = max(0, Int(mark.column) - 1 - 80)
        let shown = Array(line.unicodeScalars.dropFirst(start).prefix(160))
        let column = Int(mark.column) - 1 - start
        guard column <= shown.count else { return "" }
        let number = "\(mark.line)"
        let margin = String(repeating: " ", count: number.count)
        let length = max(1, min(Int(mark.length), shown.count - column))
        var text = ""
        text.unicodeScalars.append(contentsOf: shown.map { $0.value < 32 || $0.value == 127 ? " " : $0 })
        let caret = "^" + String(repeating: "~", count: length - 1)
        return "  \(number) | \(text)\n  \(margin) | \(String(repeating: " ", count: column))\(style.green(caret))\n"
    }

    private func line(_ source: SourceText, _ number: Int) -> String? {
        var bytes = source.bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        let lines = bytes.split(separator: 10, maxSplits: number, omittingEmptySubsequences: false)
        guard number >= 1, number <= lines.count else { return nil }
        return String(decoding: lines[number - 1].drop(while: { _ in false }).filter { $0 != 13 }, as: UTF8.self)
    }
}
