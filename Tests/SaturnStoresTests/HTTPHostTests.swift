import Testing

@testable import SaturnStores

struct HTTPHostTests {
    @Test(
        arguments: [
            ("s3.example.org", "s3.example.org", nil), ("127.0.0.1:9000", "127.0.0.1", 9000), ("[::1]", "[::1]", nil),
            ("[fd00::1]:1", "[fd00::1]", 1), ("h:65535", "h", 65535),
        ] as [(String, String, UInt16?)])
    func parts(_ text: String, _ name: String, _ port: UInt16?) throws {
        let host = try #require(HTTPHost(text))
        #expect(host.name == name)
        #expect(host.port == port)
    }

    @Test(arguments: ["", ":80", "h:", "h:0", "h:65536", "h:+1", "h:8o", "h:1:2", "[::1", "::1", "u@h", "h:1@g"])
    func none(_ text: String) {
        #expect(HTTPHost(text) == nil)
    }
}
