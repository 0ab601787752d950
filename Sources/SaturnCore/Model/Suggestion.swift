/// "did you mean": the nearest of the words that would have been right.
public enum Suggestion {
    /// The hint for `word`, or `nil` when nothing is near.
    public static func hint(for word: String, among words: some Sequence<String>) -> String? {
        nearest(to: word, among: words).map { "did you mean '\($0)'?" }
    }

    static func nearest(to word: String, among words: some Sequence<String>) -> String? {
        let limit = max(1, word.utf8.count / 3)
        var best: (word: String, distance: Int)?
        for candidate in words where abs(candidate.utf8.count - word.utf8.count) <= limit {
            let found = distance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
            if found <= limit, found < (best?.distance ?? Int.max) { best = (candidate, found) }
        }
        return best?.word
    }

    /// Edit distance in which a swap of neighbours counts as one edit.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before = [Int](repeating: 0, count: right.count + 1)
        var previous = Array(0...right.count)
        for i in 0..<left.count {
            var row = [i + 1]
            for j in 0..<right.count {
                var cost = min(previous[j] + (left[i] == right[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, before[j - 1] + 1)
                }
                row.append(cost)
            }
            (before, previous) = (previous, row)
        }
        return previous[right.count]
    }
}
