import SaturnCore

/// The attic in one line, for those who did not ask.
///
/// ```
/// attic: 2.3 GB in 140 superseded results; saturn gc -n shows what can go
/// ```
enum AtticText {
    static func line(_ use: AtticUse) -> String {
        let more = use.isPartial ? "more than " : ""
        let results = counted(use.results, "superseded result")
        return "attic: \(more)\(ByteText.text(use.bytes)) in \(more)\(results); saturn gc -n shows what can go\n"
    }
}
