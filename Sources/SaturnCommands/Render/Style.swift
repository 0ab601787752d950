import Glibc

/// Colours, where they are wanted.
struct Style {
    let isColoured: Bool

    static let error = Style(isColoured: Output.hasColour(STDERR_FILENO))
    static let out = Style(isColoured: Output.hasColour(STDOUT_FILENO))

    func red(_ text: String) -> String { wrap(text, "31") }
    func green(_ text: String) -> String { wrap(text, "32") }
    func yellow(_ text: String) -> String { wrap(text, "33") }
    func bold(_ text: String) -> String { wrap(text, "1") }
    func magenta(_ text: String) -> String { wrap(text, "35") }
    /// What a search has found.
    func found(_ text: String) -> String { wrap(text, "1;31") }
    /// One of a few colours, another than that of the next.
    func neighbour(_ index: Int, _ text: String) -> String { wrap(text, ["36", "33", "32", "35", "34"][index % 5]) }
    func dim(_ text: String) -> String { wrap(text, "2") }

    private func wrap(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
