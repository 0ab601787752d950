import SaturnCore
import Testing

@Suite struct EventLogTests {
    private let time = Timestamp(microseconds: 1_662_928_319_555_695)
    private let key = Digest(of: [1])

    private var attempt: AttemptID {
        get throws { try #require(AttemptID("00000000-0000-4000-8000-000000000001")) }
    }

    @Test func theTextIsTheOneInTheDesign() {
        let text =
            EventLog.header + EventLog.entry("submitted", at: time, [Variable("run", "lr-sweep")])
            + EventLog.entry("complete", at: time)
        #expect(
            text == """
                events:
                  - type: submitted
                    utctimestamp: 2022-09-11T20:31:59.555695+00:00
                    run: lr-sweep
                  - type: complete
                    utctimestamp: 2022-09-11T20:31:59.555695+00:00

                """)
    }

    @Test func acceptances() throws {
        let other = Digest(of: [2])
        let words = "command: --lr \"0.8\" → --lr 0.9, code: é.py changed"
        let text =
            EventLog.header + EventLog.entry("submitted", at: time, [Variable("key", key.description)])
            + EventLog.entry("complete", at: time) + Acceptance(key: other, time: time, changes: words).entry
            + Acceptance(key: key, time: time, changes: nil).entry
            + EventLog.entry("accepted", at: time, [Variable("key", "no key")])
        let log = try #require(EventLog(parsing: text))
        #expect(
            log.acceptances == [
                Acceptance(key: other, time: time, changes: words), Acceptance(key: key, time: time, changes: nil),
            ])
        #expect(log.accepted == [other, key])
        #expect(log.key == key)
        #expect(log.completed == time)
    }

    @Test func whatIsWrittenIsRead() throws {
        let attempt = try attempt
        let text =
            EventLog.header
            + EventLog.entry(
                "submitted", at: time,
                [
                    Variable("key", key.description), Variable("attempt", attempt.description),
                    Variable("run", "my run"), Variable("project", "p1"),
                ]) + EventLog.entry("started", at: time) + EventLog.entry("complete", at: time)
        let log = try #require(EventLog(parsing: text))
        #expect(log.events.map(\.type) == ["submitted", "started", "complete"])
        #expect(log.events[1]["utctimestamp"] == "2022-09-11T20:31:59.555695+00:00")
        #expect(log.key == key)
        #expect(log.attempt == attempt)
        #expect(log.run == "my run")
        #expect(log.project == "p1")
        #expect(log.isReusable)
    }

    @Test(arguments: [
        "", " ", "plain", "two words", "\"", "\\", "\\n", "\"quoted\"", "a\"b\\c", "line\nline", "\r\n", "\t", "\0",
        "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{9f}", "é", "e\u{301}", "\u{301}starts with an accent", "🚀", "\u{feff}",
        "\u{2028}", "\u{600}", "ends with\u{600}", ":", ": ", "- item", "-", "#", "'", "{a: b}", "*", "&x", "!x",
        "%", "@", "`", "key: value", "  - type: complete", "\\x41", "\\u0041", "null", "0.10", "ü\u{200d}", "\u{fffe}",
    ]) func oddStringsComeBack(_ value: String) throws {
        let text =
            EventLog.header + EventLog.entry("lost", at: time, [Variable("reason", value), Variable("after", "x")])
            + EventLog.entry("complete", at: time)
        let log = try #require(EventLog(parsing: text))
        #expect(log.events.map(\.type) == ["lost", "complete"])
        // Compared by bytes: Swift calls two texts equal that only look alike.
        #expect(log.events[0]["reason"].map { Array($0.utf8) } == Array(value.utf8))
        #expect(log.events[0]["after"] == "x")
        // No YAML reader takes control characters, and no value may begin a line.
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        #expect(text.split(separator: "\n").count == 7)
    }

    @Test func theAttemptIsTheLastOneTried() throws {
        let first = try attempt
        let second = try #require(AttemptID("00000000-0000-4000-8000-000000000002"))
        let text =
            EventLog.header + EventLog.entry("submitted", at: time, [Variable("attempt", first.description)])
            + EventLog.entry("retried", at: time, [Variable("attempt", second.description)])
            + EventLog.entry("complete", at: time)
        #expect(EventLog(parsing: text)?.attempt == second)
    }

    @Test func aChangeWhileItRanMakesItUnusable() {
        let text = EventLog.header + EventLog.entry("complete", at: time) + EventLog.entry("changed", at: time)
        #expect(EventLog(parsing: text)?.isReusable == false)
        #expect(EventLog(parsing: text)?.lastType == "complete", "it says nothing of how it ended")
    }

    @Test(arguments: ["", "event", "events", "other:\n", "\nevents:\n", "status: success\n"])
    func whatIsNotAnEventLogIsRefused(_ text: String) {
        #expect(EventLog(parsing: text) == nil)
    }

    /// Whatever a crash leaves: never a value that was not written.
    @Test func everyTruncationIsReadForWhatIsWhole() throws {
        let attempt = try attempt
        let fields = [
            Variable("key", key.description), Variable("attempt", attempt.description), Variable("run", "a \"run\""),
            Variable("project", "p-long"), Variable("host", "box"),
        ]
        let text =
            EventLog.header + EventLog.entry("submitted", at: time, fields) + EventLog.entry("complete", at: time)
        let whole = try #require(EventLog(parsing: text))
        let bytes = Array(text.utf8)
        for length in EventLog.header.utf8.count...bytes.count {
            let cut = try #require(EventLog(parsing: String(decoding: bytes[..<length], as: UTF8.self)))
            let isPrefix = zip(cut.events, whole.events).allSatisfy { event, original in
                event.type == original.type && original.fields.starts(with: event.fields)
            }
            guard isPrefix, cut.events.count <= whole.events.count else {
                Issue.record("of the first \(length) bytes it reads \(cut.events)")
                return
            }
            #expect([nil, "p-long"].contains(cut.project))
            #expect([nil, key].contains(cut.key))
            #expect([nil, attempt].contains(cut.attempt))
        }
    }

    @Test func linesThatAreNotOursAreSkipped() throws {
        let text = "events:\n# a note\n\n  - type: submitted\n    key\n    run: x\n\tz: 1\n  - other: y\n"
        let log = try #require(EventLog(parsing: text))
        #expect(log.events.map(\.type) == ["submitted", ""])
        #expect(log.run == "x")
    }
}

@Suite("What YAML would not read as text is quoted")
struct EventLogQuotingTests {
    @Test(arguments: ["no", "Yes", "null", "0.10", "1e5", "0x1F", "123", ".inf", "-", "12:30", "2022-09-11", "~", ""])
    func inQuotes(value: String) {
        let text = EventLog.entry("submitted", at: Timestamp(microseconds: 0), [Variable("run", value)])
        #expect(text.hasSuffix("    run: \"\(value)\"\n"))
    }

    @Test(arguments: ["lr-sweep", "vm", "not", "e9b98a96-afd5-43b7-a54b-e40aecc75298"])
    func plain(value: String) {
        let text = EventLog.entry("submitted", at: Timestamp(microseconds: 0), [Variable("run", value)])
        #expect(text.hasSuffix("    run: \(value)\n"))
    }

    @Test func numbersAndBooleansAreThemselves() {
        let fields = [Variable("exit_code", "1"), Variable("dirty", "true")]
        let text = EventLog.entry("complete", at: Timestamp(microseconds: 0), fields)
        #expect(text.hasSuffix("    exit_code: 1\n    dirty: true\n"))
    }

    /// What is written of a failure is what is read of it.
    @Test(arguments: [
        Cause.exited(3), .signal(9), .timeout(1.5), .outOfMemory("4 GB"), .outOfMemory(""), .lost("worker: \"x\" died"),
    ])
    func causes(_ cause: Cause) {
        let time = Timestamp(microseconds: 0)
        let earlier = EventLog.failure(.lost("before"), at: time) + EventLog.entry("retried", at: time)
        let text = EventLog.header + EventLog.entry("submitted", at: time) + earlier + EventLog.failure(cause, at: time)
        #expect(EventLog(parsing: text)?.failure == cause, "\(text)")
    }
}
