import SaturnCore
import SaturnTesting
import Testing

/// Random sweeps against a slow and simple reading of the same.
@Suite struct SweepPropertyTests {
    private typealias Row = [String: String]

    /// A sweep as data; an oracle that multiplies it out, and the YAML of it.
    private struct Model {
        var grid: [(name: String, values: [String])] = []
        var zip: [(name: String, values: [String])] = []
        var exclude: [Row] = []
        var include: [Row] = []
        var repeats: Int?

        var names: [String] { (grid + zip).map(\.name) }

        var product: [Row] {
            var rows: [Row] = [[:]]
            for axis in grid {
                rows = rows.flatMap { row in axis.values.map { row.merging([axis.name: $0]) { $1 } } }
            }
            guard let count = zip.first?.values.count else { return rows }
            return rows.flatMap { row in
                (0..<count).map { index in
                    zip.reduce(into: row) { row, axis in row[axis.name] = axis.values[index] }
                }
            }
        }

        static func matches(_ entry: Row, _ row: Row) -> Bool { entry.allSatisfy { row[$0.key] == $0.value } }

        var left: [Row] { product.filter { row in !exclude.contains { Self.matches($0, row) } } }

        var expected: [String] {
            (left + include).flatMap { row in
                let text = names.map { "\($0)=\(row[$0] ?? "")" }.joined(separator: " ")
                return repeats.map { (0..<$0).map { "\(text) repeat=\($0)" } } ?? [text]
            }
        }

        var yaml: String {
            func mapping(_ row: Row) -> String {
                "{" + row.sorted { $0.key < $1.key }.map { "\($0.key): '\($0.value)'" }.joined(separator: ", ") + "}"
            }
            func axes(_ axes: [(name: String, values: [String])]) -> String {
                let parts = axes.map { axis in
                    "\(axis.name): [\(axis.values.map { "'\($0)'" }.joined(separator: ", "))]"
                }
                return "{\(parts.joined(separator: ", "))}"
            }
            var parts: [String] = []
            if !exclude.isEmpty { parts.append("exclude: [\(exclude.map(mapping).joined(separator: ", "))]") }
            if !zip.isEmpty { parts.append("zip: \(axes(zip))") }
            if !grid.isEmpty { parts.append("grid: \(axes(grid))") }
            if !include.isEmpty { parts.append("include: [\(include.map(mapping).joined(separator: ", "))]") }
            if let repeats { parts.append("repeats: \(repeats)") }
            return "{\(parts.joined(separator: ", "))}"
        }
    }

    private static let words = ["0", "0.10", "no", "a b", "x", "é", "-1", "y"]

    private func model(_ random: inout SeededGenerator) -> Model {
        var model = Model()
        for name in ["a", "b", "c"].prefix(Int.random(in: 0...3, using: &random)) {
            let count = Int.random(in: 1...4, using: &random)
            model.grid.append((name, Array(Self.words.shuffled(using: &random).prefix(count))))
        }
        let rows = Int.random(in: 1...4, using: &random)
        for name in ["y", "z"].prefix(Int.random(in: model.grid.isEmpty ? 1...2 : 0...2, using: &random)) {
            model.zip.append((name, (0..<rows).map { _ in Self.words.randomElement(using: &random) ?? "" }))
        }
        // Rows of the zip differ.
        if !model.zip.isEmpty { model.zip[0].values = Array(Self.words.shuffled(using: &random).prefix(rows)) }
        let product = model.product
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            var entry = product.randomElement(using: &random) ?? [:]
            let kept = Int.random(in: 1...entry.count, using: &random)
            for name in entry.keys.sorted().shuffled(using: &random).dropFirst(kept) { entry[name] = nil }
            model.exclude.append(entry)
        }
        if model.left.isEmpty { model.exclude = [] }
        for number in 0..<Int.random(in: 0...2, using: &random) {
            var row = product.randomElement(using: &random) ?? [:]
            if let name = model.names.randomElement(using: &random) { row[name] = "new\(number)" }
            model.include.append(row)
        }
        if let row = model.product.first(where: { row in !model.left.contains(row) }), random.chance(50) {
            model.include.append(row)
        }
        if random.chance(30) { model.repeats = Int.random(in: 1...3, using: &random) }
        return model
    }

    @Test func isWhatASlowReadingGives() {
        let seed = SeededGenerator.chosenSeed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let model = model(&random)
            let reading = Reading("tasks: [{name: x, command: x, sweep: \(model.yaml)}]")
            #expect(reading.problems == [], "SATURN_TEST_SEED=\(seed) \(model.yaml)")
            let found = reading.spec.tasks.map { task in
                task.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            }
            #expect(found == model.expected, "SATURN_TEST_SEED=\(seed) \(model.yaml)")
            #expect(Set(reading.spec.tasks.map(\.name)).count == found.count, "SATURN_TEST_SEED=\(seed) \(model.yaml)")
        }
    }
}
