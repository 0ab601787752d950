import SaturnCore
import SaturnTesting
import Testing

@Suite struct IdentityTests {
    // MARK: AttemptID

    @Test func anAttemptIsAUUIDOfVersionFour() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<100 {
            let text = AttemptID(using: &generator).description
            #expect(text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        }
        var same = SeededGenerator(seed: 1)
        var other = SeededGenerator(seed: 2)
        #expect(AttemptID(using: &same) != AttemptID(using: &other))
    }

    @Test func anAttemptComesBackFromTextAndBytes() throws {
        let text = "01234567-89ab-4def-8123-456789abcdef"
        let id = try #require(AttemptID(text))
        #expect(id.high == 0x0123_4567_89ab_4def)
        #expect(id.low == 0x8123_4567_89ab_cdef)
        #expect(id.description == text)
        #expect(AttemptID(bytes: id.bytes) == id)
        #expect(id.bytes.count == 16)
    }

    @Test(arguments: [
        "", "01234567-89ab-4def-8123-456789abcde", "01234567-89ab-4def-8123-456789abcdeff",
        "0123456789ab4def8123456789abcdef", "g1234567-89ab-4def-8123-456789abcdef",
        "01234567-89ab-4def-8123-456789abcd\u{e9}",
    ]) func whatIsNoUUIDIsRefused(_ text: String) {
        #expect(AttemptID(text) == nil)
    }

    @Test func bytesMustBeSixteen() {
        #expect(AttemptID(bytes: [UInt8](repeating: 1, count: 15)) == nil)
        #expect(AttemptID(bytes: [UInt8](repeating: 1, count: 17)) == nil)
    }

    // MARK: Digest

    @Test func digestsAreThoseOfSHA256() {
        #expect(
            Digest(of: "abc".utf8).description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest(of: [UInt8]()).description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        // A sequence without storage of its own.
        #expect(Digest(of: "abc".utf8.lazy.map { $0 }) == Digest(of: Array("abc".utf8)))
    }

    @Test func digestsComeBackFromTextAndBytes() throws {
        let digest = Digest(of: [1, 2, 3])
        #expect(Digest(hex: digest.description) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(bytes: digest.bytes.dropLast()) == nil)
        #expect(Digest(hex: digest.description.dropLast()) == nil)
        #expect(Digest(hex: digest.description.dropLast(2)) == nil)
        let small = try #require(Digest(bytes: [UInt8](repeating: 0, count: 32)))
        #expect(small < digest)
        #expect(!(digest < digest))
    }

    // MARK: Hex

    @Test func hexRoundTrips() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        #expect(Hex.encode([0, 15, 16, 255]) == "000f10ff")
        #expect(Hex.encode([UInt8]()).isEmpty)
        #expect(Hex.decode("") == [])
    }

    @Test(arguments: ["0", "000", "0g", "g0", " 0", "0 ", "0x", "FF", "-1", "é"]) func whatIsNotHexIsRefused(
        _ text: String
    ) {
        #expect(Hex.decode(text) == nil)
    }
}
