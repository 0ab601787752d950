import SaturnCore
import SaturnEngine
import Testing

@testable import SaturnCommands

/// What gc says.
@Suite struct GarbageTextTests {
    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (9_940_000, "9.9 MB"),
        (9_960_000, "10 MB"),
        (40_000_000, "40 MB"), (999_499, "999 kB"), (999_600, "1.0 MB"), (2_300_000_000, "2.3 GB"),
        (Int64.max, "9.2 EB"),
    ])
    func sizes(_ bytes: Int64, _ text: String) {
        #expect(ByteText.text(bytes) == text)
    }

    @Test func theAtticInOneLine() {
        var use = AtticUse()
        (use.bytes, use.results) = (2_300_000_000, 140)
        #expect(
            AtticText.line(use) == "attic: 2.3 GB in 140 superseded results; saturn gc -n shows what can go\n")
        use.isPartial = true
        #expect(
            AtticText.line(use)
                == "attic: more than 2.3 GB in more than 140 superseded results; saturn gc -n shows what can go\n")
    }

    private func item(
        _ task: String?, _ reason: Garbage.Reason, size: Int64, location: String = "/results"
    ) -> Garbage.Item {
        Garbage.Item(
            location: location, task: task, key: Digest(of: []), attempt: nil, place: .standing(task: ""),
            since: Timestamp(microseconds: 1_662_928_319_555_695), size: size, reason: reason)
    }

    @Test func everyReason() {
        var garbage = Garbage()
        garbage.going = [
            item("a", .superseded(.age(limit: 30 * 86_400)), size: 1_200_000),
            item("b\u{1B}", .superseded(.size(limit: 10_000_000_000)), size: 40_000_000),
            item("c", .superseded(.age(limit: 5400)), size: 512), item("d", .checkpoint(.age(limit: 1.5)), size: 1),
            item("e", .checkpoint(.succeeded), size: 1), item(nil, .result, size: 1),
        ]
        garbage.kept = Garbage.Share(count: 30, bytes: 40_000_000)
        garbage.pinned = Garbage.Share(count: 1, bytes: 2_000_000)
        garbage.checkpoints = Garbage.Share(count: 1, bytes: 1000)
        garbage.foreign = 2
        garbage.unknown = ["/results/.saturn/attic/x", "/results/.saturn/attic/y"]
        garbage.alternatives = [
            Garbage.Alternative(limits: RetentionLimits(olderThan: 7 * 86_400), bytes: 30_000_000),
            Garbage.Alternative(limits: RetentionLimits(all: true), bytes: 40_000_000),
        ]
        #expect(
            GarbageText(garbage: garbage, isDryRun: true).render() == """
                a                 superseded 2022-09-11 20:31 UTC   1.2 MB  older than 30d
                b\\x1b             superseded 2022-09-11 20:31 UTC    40 MB  the attic has more than 10 GB
                c                 superseded 2022-09-11 20:31 UTC    512 B  older than 90m
                d                 checkpoint 2022-09-11 20:31 UTC      1 B  not changed for 1.5s
                e                 checkpoint 2022-09-11 20:31 UTC      1 B  its task has succeeded
                key e3b0c44298fc  result     2022-09-11 20:31 UTC      1 B  --results
                would free 41 MB: 3 superseded results, 1 result, 2 checkpoints
                kept: 30 superseded results (40 MB), 1 pinned (2.0 MB), 1 checkpoint (1.0 kB), 2 of other projects
                not saturn's, left alone: /results/.saturn/attic/x and 1 more
                other limits: --older-than 7d would free 30 MB, --all 40 MB

                """)
    }

    @Test func severalFolders() {
        var garbage = Garbage()
        garbage.going = [
            item("a", .superseded(.all), size: 1000, location: "/two"),
            item("a", .superseded(.count(limit: 3)), size: 1000, location: "/one"),
        ]
        #expect(
            GarbageText(garbage: garbage, isDryRun: false).render() == """
                /one:
                a  superseded 2022-09-11 20:31 UTC   1.0 kB  not among the last 3
                /two:
                a  superseded 2022-09-11 20:31 UTC   1.0 kB  --all
                freed 2.0 kB: 2 superseded results

                """)
    }
}
