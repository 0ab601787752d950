import Glibc
import SaturnCore

/// Lines of a terminal that are drawn over in place.
///
/// Each time all of it is one write, and a line is overwritten before what is left of it is erased: nothing flickers. Nobody
/// can tell where lines that were drawn stand after the terminal has got another size, so then it begins anew at the top.
struct LiveScreen {
    struct Size: Equatable {
        var rows: Int
        var columns: Int

        /// Of the terminal at stdout.
        static var now: Size {
            var size = winsize()
            let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0
            return Size(
                rows: isKnown && size.ws_row > 0 ? Int(size.ws_row) : 24,
                columns: isKnown && size.ws_col > 0 ? Int(size.ws_col) : 80)
        }
    }

    private static let hideCursor = "\u{1B}[?25l"
    private static let showCursor = "\u{1B}[?25h"
    private static let eraseLine = "\u{1B}[K"
    private static let eraseBelow = "\u{1B}[J"

    private var drawn: [String] = []
    private var size: Size?

    /// The text that brings `lines` onto the screen; empty when they are there.
    mutating func update(_ lines: [String], size: Size) -> String {
        guard lines != drawn || size != self.size else { return "" }
        var text = Self.hideCursor
        if let last = self.size, last != size {
            text += "\u{1B}[H" + Self.eraseBelow
        } else if !drawn.isEmpty {
            text += "\r\u{1B}[\(drawn.count)A"
        }
        for line in lines { text += line + Self.eraseLine + "\n" }
        if lines.count < drawn.count { text += Self.eraseBelow }
        (drawn, self.size) = (lines, size)
        return text
    }

    /// What is drawn stays, and what comes next is below it.
    mutating func leave() -> String {
        defer { self = LiveScreen() }
        return size == nil ? "" : Self.showCursor
    }
}
