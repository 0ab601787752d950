import SaturnCore
import Testing

@testable import SaturnCommands

@Suite("Rows of a table") struct ResultTableTests {
    private static let table = ResultTable(
        columns: ["task", "lr", "val.loss", "max-depth", "a<b", "x,y"],
        rows: [
            [.text("a"), .number("0.10"), .number("3"), .text("+2")],
            [.text("b"), .number("1e-1"), .number("NaN"), .nothing, .number("5")],
            [.text("c d"), .text("auto"), .number("-2.5"), .text("x"), .nothing, .flag(true)],
            [.text("e"), .nothing, .number("20")],
            [.text("f"), .number("9007199254740993"), .nothing],
        ])

    private func tasks(_ table: ResultTable) -> String {
        table.rows.compactMap { $0.first?.text }.joined(separator: ",")
    }

    @Test(arguments: [
        ("lr=0.1", "a,b"), ("lr == 1E-1", "a,b"), ("lr!=0.1", "c d,e,f"), ("lr<1", "a,b"), ("lr<=0.1", "a,b"),
        ("lr>0.1", "c d,f"), ("lr~0.*", "a"), ("lr=auto", "c d"), ("lr=9007199254740993", "f"),
        ("lr=9007199254740992", ""), ("lr>=9007199254740993", "c d,f"), ("val.loss<5", "a,c d"),
        ("val.loss>-100", "a,c d,e"),
        ("val.loss=NaN", "b"), ("val.loss != NaN", "a,c d,e,f"), ("max-depth>1", "a,c d"), ("max-depth=2", "a"),
        ("a<b>=5", "b"), ("a<b<5", ""), ("x,y=true", "c d"), ("task='c d'", "c d"), ("task = \"c d\"", "c d"),
        ("task~[ab]", "a,b"), (" task  ~  ? ", "a,b,e,f"), ("task>d", "e,f"), ("task=", ""), ("task!=", "a,b,c d,e,f"),
    ]) func conditions(_ text: String, _ tasks: String) throws {
        var table = Self.table
        table.filter([try RowFilter(text, in: table)])
        #expect(self.tasks(table) == tasks)
    }

    @Test func allConditionsHold() throws {
        var table = Self.table
        table.filter(try ["lr=0.1", "val.loss=3"].map { try RowFilter($0, in: Self.table) })
        #expect(tasks(table) == "a")
    }

    @Test(arguments: [
        ("lr", "a,b,f,c d,e"), ("-lr", "c d,f,a,b,e"), ("val.loss", "c d,a,e,b,f"), ("-val.loss", "e,a,c d,b,f"),
        ("max-depth", "a,c d,b,e,f"), ("lr,-val.loss", "a,b,f,c d,e"), ("lr,-task", "b,a,f,c d,e"),
        ("x,y", "c d,a,b,e,f"),
    ]) func order(_ order: String, _ tasks: String) throws {
        var table = Self.table
        try table.sort(by: order)
        #expect(self.tasks(table) == tasks)
    }

    @Test func choice() throws {
        var table = Self.table
        try table.choose("max-depth, task,lr")
        #expect(table.columns == ["max-depth", "task", "lr"])
        #expect(table.rows[0] == [.text("+2"), .text("a"), .number("0.10")])
        #expect(table.rows[4] == [.nothing, .text("f"), .number("9007199254740993")])
    }

    @Test func unknownColumns() {
        let hint = "there are task, lr, val.loss, max-depth, a<b, x,y"
        let unknown = Failure(.usage, "there is no column 'val.los'", hint: "did you mean 'val.loss'? " + hint)
        #expect(throws: unknown) { try RowFilter("val.los<3", in: Self.table) }
        var table = Self.table
        #expect(throws: unknown) { try table.sort(by: "-val.los") }
        #expect(throws: Failure(.usage, "there is no column 'elephant'", hint: hint)) {
            try table.choose("task,elephant")
        }
        #expect(throws: Failure.self) { try RowFilter("task", in: Self.table) }
    }

    @Test func namesOfColumns() {
        var columns = TableColumns([
            [Variable("lr", ""), Variable("state", "")], [Variable("task", ""), Variable("lr", "")],
        ])
        #expect(columns.names == ["task", "lr", "state", "sweep.task", "task.state", "cause", "duration", "commit"])
        #expect(columns.column(.state) == 4 && columns.column(parameter: "state") == 2)
        for metric in ["loss", "metrics.lr", "lr", "task.state", "loss"] { _ = columns.column(metric: metric) }
        #expect(columns.names[8...] == ["loss", "metrics.lr", "metrics.metrics.lr", "metrics.task.state"])
    }
}
