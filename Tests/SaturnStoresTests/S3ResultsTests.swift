import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// Results in a bucket: what is where, and in which order it comes there.
@Suite struct S3ResultsTests {
    let bucket: Bucket

    init() throws {
        bucket = try Bucket()
    }

    @Test func theLayout() throws {
        let (store, attempt) = (try bucket.claimed(), bucket.attempt())
        let stamp = try bucket.fill(store, "a", attempt)
        try bucket.sync(store)
        let inTask = bucket.objects.keys.filter { $0.hasPrefix("p/a/") }
        #expect(inTask == ["p/a/events", "p/a/log/\(attempt)/000001", "p/a/results/value", "p/a/status"])
        #expect(bucket.objects.text("p/a/status") == "success")
        #expect(bucket.objects.text("p/a/log/\(attempt)/000001") == "log of a\n")
        #expect(bucket.objects.text("p/a/results/value") == "result of a")
        let puts = bucket.objects.log.filter { $0.hasPrefix("PUT p/a/") }
        #expect(puts.suffix(2) == ["PUT p/a/events", "PUT p/a/status"])
        #expect(try store.look(at: .standing(task: "a")) == .status(try #require(stamp)))
        // On this machine it is no more.
        #expect(access(store.local.folder(of: .standing(task: "a")), F_OK) != 0)
        try store.finish()
        #expect(bucket.objects.keys.filter { $0.contains("lease") } == [])
        #expect(bucket.objects.keys.filter { $0.contains("/index/") }.count == 1)
    }

    @Test func eventsListEveryObject() throws {
        let (store, attempt) = (try bucket.claimed(), bucket.attempt())
        try bucket.fill(store, "a", attempt, result: "é")
        try bucket.sync(store)
        let text = try #require(bucket.objects.text("p/a/events"))
        let (records, events) = ObjectRecord.split(text)
        #expect(records.map(\.path) == ["log/\(attempt)/000001", "results/value"])
        #expect(records.map(\.size) == [9, 2])
        #expect(records.last?.sha256 == Digest(of: Array("é".utf8)))
        #expect(EventLog(parsing: text)?.isStored == true)
        #expect(EventLog(parsing: text)?.lastType == "complete")
        #expect(EventLog(parsing: events)?.lastType == "complete")
        let digest = try store.resultsDigest(at: .standing(task: "a"))
        #expect(digest == ObjectRecord.digest(records))
        try store.finish()
    }

    @Test func anotherMachineSeesIt() throws {
        let (store, attempt) = (try bucket.claimed(), bucket.attempt())
        let stamp = try bucket.fill(store, "a", attempt)
        try bucket.fill(store, "b", bucket.attempt(), status: "failure")
        try bucket.fill(store, "c", bucket.attempt(), status: nil)
        try bucket.sync(store)
        try store.finish()
        let before = bucket.objects.requests
        let other = bucket.store("other")
        #expect(try other.look(at: .standing(task: "a")) == .status(try #require(stamp)))
        #expect(try other.events(of: .standing(task: "a"))?.attempt == attempt)
        #expect(try other.status(of: .standing(task: "b")) == "failure")
        #expect(try other.look(at: .standing(task: "c")) == .noStatus)
        #expect(try other.tasks() == ["a", "b", "c"])
        #expect(bucket.objects.requests - before == 2)
    }

    @Test func toTheAtticAndBack() throws {
        let (store, attempt) = (try bucket.claimed(), bucket.attempt())
        try bucket.fill(store, "a", attempt)
        try bucket.sync(store)
        try store.retire("a", key: bucket.key, attempt: attempt)
        let attic = ResultPlace.attic(key: bucket.key, attempt: attempt)
        #expect(try store.look(at: .standing(task: "a")) == .absent)
        #expect(try store.look(at: attic) != .absent)
        try store.settle()
        let folder = "p/.saturn/attic/\(bucket.key)/\(attempt)/"
        #expect(
            bucket.objects.keys.filter { $0.hasPrefix("p/.saturn/attic/") || $0.hasPrefix("p/a/") }
                == ["events", "log/\(attempt)/000001", "results/value", "status"].map { folder + $0 })
        try store.move(attic, to: "b")
        try store.note(EventLog.entry("restored", at: Timestamp(microseconds: 5)), on: .standing(task: "b"))
        try store.settle()
        #expect(try store.events(of: .standing(task: "b"))?.lastType == "restored")
        #expect(bucket.objects.keys.filter { $0.hasPrefix("p/.saturn/attic/") } == [])
        #expect(bucket.objects.text("p/b/results/value") == "result of a")
        #expect(EventLog(parsing: bucket.objects.text("p/b/events") ?? "")?.lastType == "restored")
        try store.finish()
        let other = bucket.store("other")
        #expect(try other.events(of: .standing(task: "b"))?.lastType == "restored")
        #expect(try other.look(at: .standing(task: "a")) == .absent)
    }

    @Test func twoMachinesAtOnce() throws {
        let store = try bucket.claimed("one")
        let problem = try failure { _ = try bucket.claimed("two") }
        #expect(problem.kind == .inUse)
        #expect(problem.message.contains("by process 1 on one (saturn run x)"))
        try store.finish()
        try bucket.claimed("two").finish()
    }

    @Test func aLeaseLapses() throws {
        // Whose saturn was killed.
        _ = try Unmanaged.passRetained(bucket.claimed("one"))
        #expect(try failure { _ = try bucket.claimed("two") }.kind == .inUse)
        bucket.objects.pass(seconds: 200)
        try bucket.claimed("two").finish()
    }

    @Test func copiesOfAnother() throws {
        let (store, attempt) = (try bucket.claimed(prefix: "q/"), bucket.attempt())
        try bucket.fill(store, "a", attempt)
        try bucket.sync(store)
        try store.finish()
        let (second, copy) = (try bucket.claimed("other"), bucket.attempt())
        let there = ResultPlace.at(location: "s3://bucket/q", .standing(task: "a"))
        #expect(second.reaches("s3://bucket/q"))
        let events =
            bucket.header(copy)
            + EventLog.entry("restored", at: Timestamp(microseconds: 5), [Variable("from", attempt.description)])
        _ = try second.clone(attempt, from: there, to: "z", events: events)
        try second.settle()
        #expect(bucket.objects.text("p/z/results/value") == "result of a")
        #expect(bucket.objects.text("p/z/status") == "success")
        #expect(EventLog(parsing: bucket.objects.text("p/z/events") ?? "")?.attempt == copy)
        #expect(try second.resultsDigest(at: .standing(task: "z")) == store.resultsDigest(at: .standing(task: "a")))
        try second.finish()
    }

    @Test func whatATaskNeedsIsFetched() throws {
        let (store, attempt) = (try bucket.claimed(), bucket.attempt())
        let workspace = try store.begin("a", events: bucket.header(attempt))
        let odd = ["plain", "with space", "a+b", "é%41", "deep/er/file", "-leading"]
        for name in odd { try bucket.space.write(workspace.results + "/" + name, "in \(name)") }
        mkdir(workspace.results + "/empty", 0o755)
        symlink("plain", workspace.results + "/link")
        chmod(workspace.results + "/plain", 0o755)
        _ = try store.publish(workspace, events: Bucket.complete, status: "success", error: nil)
        let before = try store.resultsDigest(at: .standing(task: "a"))
        try bucket.sync(store)
        #expect(try store.resultsDigest(at: .standing(task: "a")) == before)
        try store.finish()
        let other = try bucket.claimed("other")
        let folder = try other.results(of: "a")
        for name in odd { #expect(try bucket.space.read(folder + "/" + name) == "in \(name)") }
        let listing = try bucket.space.run(["find", folder, "-printf", "%P %y %m %l\n"]).stdout
        #expect(listing.contains("empty d 755"))
        #expect(listing.contains("link l 777 plain"))
        #expect(listing.contains("plain f 755"))
        try other.finish()
        #expect(access(folder, F_OK) != 0)
    }

    @Test func collected() throws {
        let (store, attempt) = (try bucket.claimed(), bucket.attempt())
        try bucket.fill(store, "a", attempt)
        try bucket.fill(store, "b", bucket.attempt(), status: "failure")
        try bucket.sync(store)
        try store.finish()
        let target = bucket.space.path("here")
        let other = bucket.store("other")
        let first = try other.export(["a", "b"], to: target, holder: "test")
        #expect(first.fetched == 2)
        #expect(try bucket.space.read(target + "/a/log") == "log of a\n")
        #expect(try bucket.space.read(target + "/a/results/value") == "result of a")
        #expect(try bucket.space.read(target + "/b/error") == "3")
        let local = LocalDir(directory: target)
        #expect(try local.events(of: .standing(task: "a"))?.attempt == attempt)
        let second = try other.export(["a", "b"], to: target, holder: "test")
        #expect((second.fetched, second.upToDate) == (0, 2))
    }
}
