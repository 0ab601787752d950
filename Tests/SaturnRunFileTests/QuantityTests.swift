import SaturnCore
import Testing

@Suite struct QuantityTests {
    @Test(
        arguments: [
            ("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("1.5h", 5400), ("0", 0), ("5 m", 300),
            ("", nil), ("s", nil), ("-5m", nil), ("+5m", nil), ("1e3", nil), ("inf", nil), ("nan", nil), ("0x10", nil),
            ("1.", nil), (".5", nil), ("1.5.1", nil), ("5M", nil), ("5 ", nil), (" 5", nil), ("5  m", nil), ("٣s", nil),
        ] as [(String, Double?)])
    func seconds(_ text: String, _ expected: Double?) {
        #expect(Quantity.seconds(text) == expected)
    }

    @Test(
        arguments: [
            ("4096", 4096), ("1B", 1), ("100KB", 100_000), ("100kb", 100_000), ("4GB", 4_000_000_000),
            ("512MiB", 512 << 20),
            ("1.5G", 1_500_000_000), ("2Ti", 2 << 40), ("1 PiB", 1 << 50), ("0", 0), ("0.5KiB", 512),
            ("9223372036854775807", Int.max), ("9223372036854775808", nil), ("99999PiB", nil), ("9999999999.5GB", nil),
            ("", nil), ("GB", nil), ("-1GB", nil), ("1EB", nil), ("1e3", nil), ("4 G B", nil),
        ] as [(String, Int?)])
    func bytes(_ text: String, _ expected: Int?) {
        #expect(Quantity.bytes(text) == expected)
    }
}
