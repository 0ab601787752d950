import SaturnCore
import Testing

@Suite struct DiagnosticTests {
    /// A sweep of a million tasks has a mistake a million times, at one place.
    @Test func manyAtOnePlaceAreCounted() {
        let (first, second) = (SourceMark(line: 2, column: 3), SourceMark(line: 4, column: 5))
        let many = (0..<1000).map { Diagnostic(at: second, "problem \($0)") }
        let few = (0..<4).map { Diagnostic(at: first, "problem \($0)") }
        let anywhere = (0..<9).map { Diagnostic(at: nil, "problem \($0)") }
        #expect(
            Diagnostic.condensed(anywhere + few + many)
                == anywhere + few + many.prefix(3) + [Diagnostic(.note, at: second, "and 997 more like this")])
        #expect(Diagnostic.condensed([]) == [])
    }
}
