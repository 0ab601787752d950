import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnEngine
@testable import SaturnStores

/// What `needs` counts of results is the same in a folder and in a bucket: a task that needs them has one key with both.
@Suite struct BucketDigestTests {
    @Test(arguments: [
        "true", "touch a", "mkdir -p d/e f; touch d/x d-x 'd x' d.x", "printf 1 > a; chmod +x a; ln -s a l; ln -s / m",
        "mkdir d; touch \"d/$(printf '\\314\\201')x\" \"$(printf '\\314\\201')\" \"$(printf 'e\\314\\201')\" é",
        "for i in $(seq 40); do mkdir -p $((i % 7))/$((i % 5)); echo $i > $((i % 7))/$((i % 5))/$i; done",
    ]) func isThatOfTheFolder(_ script: String) throws {
        let space = try TestSpace()
        space.makeFolder("task/results")
        let made = try space.run(["sh", "-ec", script], in: "task/results")
        #expect(made.status == 0, "\(made.stderr)")
        let folder = try OpenFolder(space.path("task"))
        let results = try #require(try folder.inner("results"))
        let records = try ResultScan(results, limit: 1000).records.map { record in
            guard record.isObject else { return record }
            var record = record
            record.sha256 = try FileInFolder(record.path, in: folder).digest()
            return record
        }
        let local = try ContentDigests(ledger: MemoryLedger()).digest(of: space.path("task/results"))
        #expect(ObjectRecord.digest(records) == local)
        // Also when they have been written down and read again.
        let events = EventLog.header + ObjectRecord.stored(records, nil, at: Timestamp(microseconds: 0))
        #expect(ObjectRecord.digest(ObjectRecord.split(events).records) == local)
    }
}
