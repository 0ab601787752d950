import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// JSON of programs and servers that may say anything.
@Suite struct CredentialJSONTests {
    @Test(
        "texts",
        arguments: [
            (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9é\u00C9""#, "ééÉ"),
            (#""\ud83d\ude00""#, "😀"), (#""😀""#, "😀"), (#""\u65E5\u672c""#, "日本"),
            // Half a pair is nothing, and takes nothing with it.
            (#""\ud83d""#, "\u{fffd}"), (#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (#""\ud83dx\ude00""#, "\u{fffd}x\u{fffd}"),
            (#""\ud83d\n\ude00""#, "\u{fffd}\n\u{fffd}"), (#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (#""\u0000""#, "\0"), ("\"}{][,:\"", "}{][,:"),
        ]) func texts(_ written: String, _ text: String)
    {
        #expect(JSONText("{\"a\":\(written)}".utf8)?["a"] == text)
        #expect(JSONText("{\(written):\"b\"}".utf8)?[text] == "b")
        #expect(JSONText("{\"n\":[{\"a\":\(written)}],\"b\":\(written)}".utf8)?["b"] == text)
    }

    @Test(
        "other values, as they are written",
        arguments: ["1", "-1.5e+3", "true", "false", "{}", "[]", "[[[{\"a\":\"]\\\"\"}]]]", "{\"a\":{\"b\":[null]}}"])
    func others(_ written: String) {
        for space in ["", " ", "\r\n\t"] {
            #expect(JSONText("{\"a\"\(space):\(space)\(written)\(space)}".utf8)?["a"] == written)
            #expect(JSONText("{\"a\":\(written)\(space),\(space)\"b\":\"c\"}\n".utf8)?["b"] == "c")
        }
    }

    @Test func nothing() {
        #expect(JSONText("{\"a\": null}".utf8).map { $0["a"] } == .some(nil))
        #expect(JSONText("{}".utf8).map { $0["a"] } == .some(nil))
        #expect(JSONText("{\"a\": \"b\", \"a\": null}".utf8).map { $0["a"] } == .some(nil), "the last one counts")
    }

    @Test(arguments: [
        "", " ", "{", "}", "null", "\"a\"", "[{}]", "{\"a\"}", "{\"a\":}", "{\"a\":,}", "{:\"b\"}", "{a:\"b\"}",
        "{\"a\":nul}", "{\"a\":yes}", "{\"a\":inf}", "{\"a\":0x1}", "{\"a\":'b'}", "{\"a\":\"\\q\"}",
        "{\"a\":\"\\u12\"}", "{\"a\":\"\\u+123\"}",
        "{\"a\":\"\\u-000\"}", "{\"a\":\"\\u12x4\"}", "{\"a\":\"b\" \"c\":\"d\"}", "{\"a\":{\"b\":\"\\u1\"}}",
        "\u{feff}",
    ]) func broken(_ text: String) {
        #expect(JSONText(text.utf8) == nil)
    }

    private static let whole = Array(
        """
         {"AccessKeyId": "\\u0041\\ud83d\\ude00é", "n": {"a": [1, "]}\\"", {}], "b": null}, "e": -1.5e3, "t": true ,
          "SecretAccessKey":"\\\\\\/", "z": null}
        """.utf8)

    @Test func truncated() {
        #expect(JSONText(Self.whole)?["SecretAccessKey"] == "\\/")
        for length in 0..<Self.whole.count { #expect(JSONText(Self.whole[..<length]) == nil, "\(length)") }
    }

    /// Any byte in any place: an object or none, and no crash.
    @Test func spoiled() {
        var texts = 0
        for index in Self.whole.indices {
            for byte in [0, 0x22, 0x2C, 0x5C, 0x7B, 0x7D, 0x5B, 0x75, 0x80, 0xC3, 0xED, 0xFF] as [UInt8] {
                var bytes = Self.whole
                bytes[index] = byte
                if let json = JSONText(bytes) { texts += (json["AccessKeyId"] ?? "").utf8.count }
                if let json = JSONText(bytes[index...]) { texts += (json["AccessKeyId"] ?? "").utf8.count }
            }
        }
        #expect(texts > 0)
    }

    /// No stack is used up.
    @Test func large() {
        let deep = String(repeating: "[", count: 300_000) + String(repeating: "]", count: 300_000)
        #expect(JSONText("{\"a\":\(deep)}".utf8)?["a"]?.utf8.count == 600_000)
        #expect(JSONText("{\"a\":\(deep.dropLast())}".utf8) == nil)
        #expect(JSONText("{\"a\":\"\(String(repeating: "x", count: 1 << 20))\"}".utf8)?["a"]?.utf8.count == 1 << 20)
    }

    // MARK: Times

    @Test(arguments: [
        "2026-11-26T12:00:00Z", "2026-11-26T12:00:00.5Z", "2026-11-26T12:00:00+00:00", "2026-11-26T12:00:00",
        "2026-11-26T14:00:00+02:00", "2026-11-26T14:00:00+0200", "2026-11-26T14:00:00+02",
        "2026-11-26T07:30:00.25-0430",
    ]) func noon(_ text: String) {
        #expect(S3Credentials.time(text) == CredentialBench.noon)
    }

    @Test(arguments: [
        "", "null", "tomorrow", "1795694400", "2026-11-26", "2026-11-26T12:00Z", "2026-13-26T12:00:00Z",
        "99999999-1-1T1:1:1Z", "9999999999999-1-1T1", "2026-11-26T12:00:00+9223372036854775807:00",
        "2026-11-26T12:00:00+1", "2026-11-26T12:00:00+-100", "2026-11-26T12:00:00+xx:yy",
        "2026-11-26T12:00:00+02:00:00",
    ]) func noTime(_ text: String) {
        #expect(S3Credentials.time(text) == nil)
    }
}
