internal import SaturnCore

/// The combinations that one entry of `tasks` stands for, in their order:
///
///     grid: {lr: [0.1, 0.01], seed: [1, 2]}       # lr=0.1 seed=1, lr=0.1 seed=2, lr=0.01 seed=1, …
///
/// The last parameter of the grid varies faster than those before it, the rows of `zip` faster than the grid, and
/// `{repeat}` fastest; what `include` adds comes behind.
struct Sweep {
    struct Parameter {
        var name: String
        var values: [String]
    }

    /// Of the key `sweep`.
    let mark: SourceMark
    /// In the order declared; `repeat` is the last one.
    let parameters: [Parameter]
    private let repeats: Int
    /// The numbers of the values of all but `repeat`, row by row.
    private let rows: [Int32]
    private let width: Int
    let count: Int

    /// - Parameters:
    ///   - rows: For each combination, and in it each of the parameters, the number of the value.
    ///   - repeats: `nil` where each combination is wanted once, without the parameter `repeat`.
    init(at mark: SourceMark, _ parameters: [Parameter], rows: [Int32], combinations: Int, repeats: Int?) {
        self.mark = mark
        self.rows = rows
        self.repeats = repeats ?? 1
        width = parameters.count
        count = combinations * self.repeats
        let numbers = repeats.map { [Parameter(name: Self.repeatName, values: (0..<$0).map { "\($0)" })] } ?? []
        self.parameters = parameters + numbers
    }

    static let repeatName = "repeat"

    /// The parameters of one task.
    subscript(index: Int) -> [Variable] {
        let (row, number) = index.quotientAndRemainder(dividingBy: repeats)
        return parameters.indices.map { column in
            let value = column < width ? Int(rows[row * width + column]) : number
            return Variable(parameters[column].name, parameters[column].values[value])
        }
    }
}

/// A sweep as it is written, before anything is multiplied out.
struct SweepDraft {
    struct Axis {
        var name: Marked<String>
        var values: SweepValues
        /// Of the values.
        var mark: SourceMark
    }

    /// A mapping of some parameters, in `exclude` or `include`.
    struct Entry {
        struct Cell {
            var name: Marked<String>
            var value: Marked<String>
        }

        var cells: [Cell]
        var mark: SourceMark
    }

    var mark: SourceMark
    var grid: [Axis] = []
    var zip: [Axis] = []
    var exclude: [Entry] = []
    var include: [Entry] = []
    var repeats: Int?

    /// Without a grid and a zip there is one combination of nothing, or those of `include` alone.
    var hasProduct: Bool { !grid.isEmpty || !zip.isEmpty || include.isEmpty }

    /// How many combinations grid and zip have before anything is excluded; `nil` when that is no number.
    var productCount: Int? {
        guard hasProduct else { return 0 }
        return grid.reduce(zip.first?.values.count ?? 1) { $0?.times($1.values.count) }
    }

    /// How many tasks there are before anything is excluded.
    var size: Int? { productCount?.plus(include.count)?.times(repeats ?? 1) }
}
