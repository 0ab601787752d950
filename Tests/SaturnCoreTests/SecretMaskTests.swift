import SaturnCore
import Testing

@Suite("Secrets are masked")
struct SecretMaskTests {
    /// Everything that comes out when `text` is fed in pieces of `size` bytes.
    private func masked(_ text: String, _ secrets: [String], size: Int) -> String {
        var mask = SecretMask(secrets)
        var shown: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            shown += mask.feed(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return String(decoding: shown + mask.finish(), as: UTF8.self)
    }

    @Test(arguments: [1, 2, 3, 5, 7, 100])
    func alsoWhenSplitBetweenWrites(size: Int) {
        #expect(masked("the key is hunter2, yes hunter2!", ["hunter2"], size: size) == "the key is ***, yes ***!")
        #expect(masked("hunterhunter2", ["hunter2"], size: size) == "hunter***")
        #expect(masked("aab aaab", ["aab"], size: size) == "*** a***")
        #expect(masked("xy\nz", ["y\nz"], size: size) == "x***")
    }

    @Test(arguments: [1, 4, 100])
    func ofTwoThatBeginAlikeTheLongerCounts(size: Int) {
        #expect(masked("abcd abc abx", ["ab", "abcd"], size: size) == "*** ***c ***x")
    }

    @Test func theBeginningOfASecretAtTheEndIsShown() {
        #expect(masked("pass hunt", ["hunter2"], size: 3) == "pass hunt")
    }

    @Test func emptySecretsMaskNothing() {
        #expect(masked("text", [""], size: 2) == "text")
        #expect(masked("text", [], size: 2) == "text")
    }

    @Test func bytesThatAreNoTextPassThrough() {
        var mask = SecretMask(["k"])
        #expect(mask.feed([0xFF, 0x00, 0x6B, 0x0A]) == [0xFF, 0x00] + Array("***".utf8) + [0x0A])
    }

    @Test func nothingThatCannotBeASecretIsHeldBack() {
        var mask = SecretMask(["hunter2"])
        #expect(mask.feed(Array("my hun".utf8)) == Array("my ".utf8))
        #expect(mask.feed(Array("dred".utf8)) == Array("hundred".utf8))
    }
}
