import SaturnCore
import Testing

@Suite struct TimestampTests {
    /// Seconds since 1970, as another program counts them.
    @Test(arguments: [
        (0, "1970-01-01T00:00:00"), (-1, "1969-12-31T23:59:59"), (86_399, "1970-01-01T23:59:59"),
        (86_400, "1970-01-02T00:00:00"), (-86_400, "1969-12-31T00:00:00"), (-86_401, "1969-12-30T23:59:59"),
        (68_169_600, "1972-02-29T00:00:00"), (94_694_399, "1972-12-31T23:59:59"), (951_782_400, "2000-02-29T00:00:00"),
        (951_868_800, "2000-03-01T00:00:00"), (1_077_926_399, "2004-02-27T23:59:59"),
        (1_078_012_800, "2004-02-29T00:00:00"), (1_662_928_319, "2022-09-11T20:31:59"),
        (1_709_164_800, "2024-02-29T00:00:00"), (1_735_689_599, "2024-12-31T23:59:59"),
        (2_147_483_648, "2038-01-19T03:14:08"), (4_107_456_000, "2100-02-28T00:00:00"),
        (4_107_542_400, "2100-03-01T00:00:00"), (-2_203_977_600, "1900-02-28T00:00:00"),
        (-2_203_891_200, "1900-03-01T00:00:00"), (-11_676_096_000, "1600-01-01T00:00:00"),
        (-62_135_596_800, "0001-01-01T00:00:00"), (253_402_300_799, "9999-12-31T23:59:59"),
    ]) func knownDates(_ seconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: seconds * 1_000_000).description == text + ".000000+00:00")
        #expect(Timestamp(text + ".000000+00:00") == Timestamp(microseconds: seconds * 1_000_000))
    }

    @Test(arguments: [
        (Int64(1), "1970-01-01T00:00:00.000001"), (-1, "1969-12-31T23:59:59.999999"),
        (999_999, "1970-01-01T00:00:00.999999"), (-999_999, "1969-12-31T23:59:59.000001"),
        (1_662_928_319_555_695, "2022-09-11T20:31:59.555695"), (-86_400_000_001, "1969-12-30T23:59:59.999999"),
    ]) func microseconds(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text + "+00:00")
        #expect(Timestamp(text + "+00:00") == Timestamp(microseconds: microseconds))
    }

    @Test(arguments: [
        "", "now", "2022-09-11", "2022-09-11T20:31:59+00:00", "2022-13-11T20:31:59.555695+00:00",
        "2022-09-11T20:31:59.555695+01:00", "2022-09-11T20:31:59.5556",
    ]) func whatIsNoTime(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    /// Four hundred years day by day: the calendar repeats after that.
    @Test func everyDayFollowsTheOneBefore() {
        var (year, month, day) = (1970, 1, 1)
        for number in 0..<146_097 {
            let text = Timestamp(microseconds: Int64(number) * 86_400_000_000).description
            let parts = text.prefix(10).split(separator: "-").compactMap { Int($0) }
            guard parts == [year, month, day] else {
                Issue.record("day \(number) is \(text), not \(year)-\(month)-\(day)")
                return
            }
            let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            day += 1
            if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }

    @Test func timesCompare() {
        #expect(Timestamp(microseconds: -1) < Timestamp(microseconds: 0))
        #expect(!(Timestamp(microseconds: 1) < Timestamp(microseconds: 1)))
    }
}
