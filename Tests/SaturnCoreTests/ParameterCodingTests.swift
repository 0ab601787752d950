import SaturnCore
import Testing

@Suite struct ParameterCodingTests {
    private static let tasks: [[Variable]] = [
        [], [Variable("lr", "0.10"), Variable("é\n", "a b")], [Variable("lr", ""), Variable("é\n", "x")],
        [Variable("lr", String(repeating: "long ", count: 100))], [], [Variable("width", "1")],
    ]

    @Test func comesBackAsItWas() {
        #expect(ParameterCoding.decode(ParameterCoding.encode(Self.tasks)) == Self.tasks)
        #expect(ParameterCoding.decode([]) == [])
    }

    @Test func namesAreWrittenOnce() {
        let many = (0..<1000).map { [Variable("learning_rate", "0.\($0)")] }
        #expect(ParameterCoding.encode(many).count < 7000)
    }

    @Test func tasksAtTheEndWithoutAnyAreLeftOut() {
        #expect(ParameterCoding.encode([[], []]).isEmpty)
        #expect(ParameterCoding.decode(ParameterCoding.encode(Self.tasks + [[], []])) == Self.tasks)
    }

    /// Any byte in any place: other parameters or none, and no crash.
    @Test func damage() {
        let whole = ParameterCoding.encode(Self.tasks)
        for index in whole.indices {
            for byte in [0, 1, 2, 127, 128, 255] as [UInt8] {
                var bytes = whole
                bytes[index] = byte
                _ = ParameterCoding.decode(bytes)
                _ = ParameterCoding.decode(Array(bytes[..<index]))
            }
        }
        #expect(ParameterCoding.decode([2, 5, 97]) == nil)
    }
}
