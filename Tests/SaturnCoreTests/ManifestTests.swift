import SaturnCore
import SaturnTesting
import Testing

@Suite struct ManifestTests {
    private typealias Field = Manifest.Field
    private typealias Value = Manifest.Value

    private var full: Manifest {
        var manifest = Manifest(command: .shell("python train.py --lr 0.5", shell: Command.defaultShell))
        manifest.env = [Variable("LR", "0.5"), Variable("EMPTY", "")]
        manifest.passEnv = [Value("HOME", nil), Value("LANG", "C.UTF-8")]
        manifest.workdir = "experiments/é"
        manifest.inputs = [Value("data.csv", "abc")]
        manifest.code = [Value("tree", "4b825dc642cb6eb9a060e54bf8d69288fbee4904")]
        manifest.needs = [Value("PREPARE", "def")]
        manifest.context = [Value("SATURN_TASK", "lr-0.5")]
        manifest.executor = [Value("image", "python:3.12")]
        return manifest
    }

    /// Computed once by another program, from the description of the format alone. A change here makes every
    /// result of every user run again: then the version in the manifest must change too.
    @Test func theFormatIsWhatItWas() {
        #expect(full.encoded.count == 439)
        #expect(full.key.description == "91ffbc4b090e60fa799d0d6c08e7b434a856ef1b7eb215f9e969ba1b6020d940")
        let least = Manifest(command: .direct(["true"]))
        #expect(
            Hex.encode(least.encoded) == """
                0000001173617475726e206d616e6966657374203100000007636f6d6d616e6400000001000000013001000000047472756500000003\
                656e760000000000000008706173735f656e760000000000000007776f726b6469720000000100000000010000000000000006696e70\
                7574730000000000000004636f646500000000000000056e656564730000000000000007636f6e746578740000000000000008657865\
                6375746f7200000000
                """)
        #expect(least.key.description == "db5348d903b9637e82e5841a13bb89828553e8be433e3d479de357728eccd351")
    }

    @Test func whatIsEncodedIsDecoded() throws {
        #expect(ManifestCoding.decode(full.encoded) == full.fields)
        let odd = [
            Field("", [Value("", nil), Value("", ""), Value("a\0b", "line\nline"), Value("é", "e\u{301}\u{1F680}")]),
            Field("twice", []), Field("twice", [Value("x", "y")]),
        ]
        let decoded = try #require(ManifestCoding.decode(ManifestCoding.encode(odd)))
        #expect(decoded == odd)
        #expect(ManifestCoding.encode(decoded) == ManifestCoding.encode(odd))
    }

    @Test func everythingThatCountsChangesTheKey() {
        var variants = [full]
        func add(_ change: (inout Manifest) -> Void) {
            var manifest = full
            change(&manifest)
            variants.append(manifest)
        }
        add { $0.command = .shell("python train.py --lr 0.50", shell: Command.defaultShell) }
        add { $0.command = .shell("python train.py --lr 0.5", shell: ["/bin/sh", "-c"]) }
        add { $0.command = .direct(["python", "train.py", "--lr", "0.5"]) }
        add { $0.command = .direct(["python train.py --lr 0.5"]) }
        add { $0.env[0].value = "0.50" }
        add { $0.env.swapAt(0, 1) }
        add { $0.env.removeLast() }
        add { $0.passEnv[0].text = "" }
        add { $0.passEnv.swapAt(0, 1) }
        add { $0.workdir = "experiments" }
        add { $0.inputs[0].text = "abd" }
        add { $0.inputs[0].name = "data.csw" }
        add { $0.code.append(Value("commit", nil)) }
        add { $0.needs[0].text = nil }
        add { $0.context = [] }
        add { $0.executor[0].text = "python:3.13" }
        // The same values under another label.
        add { ($0.inputs, $0.code) = ($0.code, $0.inputs) }
        #expect(Set(variants.map(\.key)).count == variants.count)
    }

    @Test func whatMeansTheSameHasOneKey() {
        #expect(full.key == full.key)
        let shell = Manifest(command: .shell("true", shell: ["/bin/sh", "-ec"]))
        #expect(shell.key == Manifest(command: .direct(["/bin/sh", "-ec", "true"])).key)
    }

    /// Bytes move from a text to its neighbour, from a value to the next, from a field to the next.
    @Test func noTwoListsOfFieldsHaveOneEncoding() {
        let lists: [[Field]] = [
            [], [Field("", [])], [Field("", []), Field("", [])], [Field("a", [])], [Field("a", [Value("", nil)])],
            [Field("a", [Value("", "")])], [Field("a", [Value("b", "c")])], [Field("ab", [Value("", "c")])],
            [Field("a", [Value("bc", "")])], [Field("a", [Value("", "bc")])], [Field("a", [Value("bc", nil)])],
            [Field("a", [Value("b", "c"), Value("", "")])], [Field("a", [Value("b", "c")]), Field("", [])],
            [Field("a", [Value("b", "")]), Field("c", [])], [Field("a", []), Field("b", [Value("c", "")])],
            [Field("a", [Value("b", "c"), Value("d", "e")])],
            [Field("a", [Value("b", "c")]), Field("d", [Value("e", "")])],
            // Texts that look like the prefixes of others.
            [Field("a", [Value("b", "\0\0\0\u{1}c")])], [Field("a\0\0\0\0", [])],
            [Field("a", [Value("", "\u{1}\0\0\0\u{1}")])], [Field("e\u{301}", [])], [Field("\u{e9}", [])],
        ]
        #expect(Set(lists.map(ManifestCoding.encode)).count == lists.count)
    }

    @Test func randomListsRoundTrip() {
        let seed = SeededGenerator.chosenSeed
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("ab\0\u{1}é\n\"".unicodeScalars)
        func text() -> String {
            var text = ""
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
            }
            return text
        }
        var seen: [[UInt8]: [Field]] = [:]
        for _ in 0..<3000 {
            let fields = (0..<Int.random(in: 0...2, using: &generator)).map { _ in
                Field(
                    text(),
                    (0..<Int.random(in: 0...2, using: &generator)).map { _ in
                        Value(text(), generator.chance(30) ? nil : text())
                    })
            }
            let bytes = ManifestCoding.encode(fields)
            #expect(ManifestCoding.decode(bytes) == fields, "SATURN_TEST_SEED=\(seed)")
            #expect(seen.updateValue(fields, forKey: bytes) ?? fields == fields, "SATURN_TEST_SEED=\(seed)")
        }
    }

    @Test func damagedBytesAreRefused() {
        let bytes = full.encoded
        let fieldEnds = Set(
            (0...full.fields.count).map { ManifestCoding.encode(Array(full.fields[..<$0])).count })
        for length in 0..<bytes.count {
            let decoded = ManifestCoding.decode(Array(bytes[..<length]))
            // Cut between two fields, it is a shorter list.
            #expect((decoded != nil) == fieldEnds.contains(length), "the first \(length) bytes")
        }
        var other = bytes
        other[20] = UInt8(ascii: "2")
        #expect(ManifestCoding.decode(other) == nil)
        #expect(ManifestCoding.decode(bytes + [0]) == nil)
    }
}
