import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnStores

/// A saturn whose bucket stops answering at one request after the other, and who comes after it.
@Suite struct S3RecoveryTests {
    /// All kinds of changes, one after another; which of them have been reported as done.
    private final class History {
        let bucket: Bucket
        let (a1, a2, b, c): (AttemptID, AttemptID, AttemptID, AttemptID)
        /// Successes that the ledger may know of.
        var done: [AttemptID] = []

        init() throws {
            bucket = try Bucket()
            (a1, a2, b, c) = (bucket.attempt(), bucket.attempt(), bucket.attempt(), bucket.attempt())
        }

        func play(_ store: S3Results) throws {
            try store.claim(holder: bucket.holder("box"))
            try bucket.fill(store, "a", a1, result: "first")
            try bucket.fill(store, "b", b, status: "failure")
            try bucket.sync(store)
            done.append(a1)
            try store.retire("a", key: bucket.key, attempt: a1)
            try bucket.fill(store, "a", a2, result: "second")
            try bucket.sync(store)
            done.append(a2)
            try store.retire("a", key: bucket.key, attempt: a2)
            try store.move(.attic(key: bucket.key, attempt: a1), to: "a")
            try store.note(EventLog.entry("restored", at: Timestamp(microseconds: 5)), on: .standing(task: "a"))
            try store.settle()
            let events = bucket.header(c) + Bucket.complete
            _ = try store.clone(a2, from: .attic(key: bucket.key, attempt: a2), to: "c", events: events)
            try store.settle()
            done.append(c)
            try store.finish()
        }

        /// The process is gone, and all that it had in memory.
        func end(_ store: S3Results) {
            store.state.withLock { $0.claim }?.ticker.stop()
            try? store.queue.finish()
            store.lock.release()
        }

        /// What the index says of an attempt is what its objects are.
        func check(_ store: S3Results, _ comment: Comment) throws {
            let index = try #require(store.state.withLock { $0.index })
            for (place, entry) in index.standing.map({ (ResultPlace.standing(task: $0.key), $0.value) })
                + index.attic.map({ (ResultPlace.attic(key: $0.value.key, attempt: $0.key), $0.value) })
            {
                let keys = store.keys(of: place)
                let events = bucket.objects.text(keys + "events") ?? ""
                #expect(EventLog(parsing: events)?.attempt == entry.attempt, comment)
                #expect(bucket.objects.text(keys + "status") == entry.status, comment)
                guard entry.status == "success" else { continue }
                let records = ObjectRecord.split(events).records
                #expect(records.count == 2, comment)
                for record in records {
                    #expect(bucket.objects.text(keys + record.path)?.utf8.count == Int(record.size), comment)
                }
                let names = bucket.objects.keys.filter { $0.hasPrefix(keys) }
                #expect(names.count == 4, comment)
            }
        }

        func successes(_ store: S3Results) -> Set<AttemptID> {
            let index = store.state.withLock { $0.index } ?? ResultIndex()
            let all = Array(index.standing.values) + index.attic.values
            return Set(all.filter { $0.status == "success" }.map(\.attempt))
        }
    }

    private static func requests() throws -> Int {
        let history = try History()
        let store = history.bucket.store()
        try history.play(store)
        history.end(store)
        return history.bucket.objects.requests
    }

    private func died(at request: Int, losingReply: Bool) throws -> History {
        let history = try History()
        history.bucket.objects.dies(at: request, losingReply: losingReply)
        let store = history.bucket.store()
        #expect(throws: (any Error).self) { try history.play(store) }
        history.end(store)
        history.bucket.objects.dies(at: nil)
        return history
    }

    @Test(arguments: [false, true]) func theSameMachineGoesOn(_ losingReply: Bool) throws {
        for request in 1...(try Self.requests()) {
            let comment: Comment = "request \(request), its reply lost: \(losingReply)"
            let history = try died(at: request, losingReply: losingReply)
            // A plan sees what a run will find, and changes nothing.
            let before = history.bucket.objects.keys
            let plan = history.bucket.store()
            _ = try plan.tasks()
            let planned = history.successes(plan)
            #expect(history.bucket.objects.keys == before, comment)
            history.end(plan)
            let next = try history.bucket.claimed()
            try history.check(next, comment)
            let found = history.successes(next)
            #expect(found.isSuperset(of: history.done), comment)
            #expect(found.isSuperset(of: planned), comment)
            try next.finish()
            // The index is what the objects say.
            let listed = history.bucket.store("third")
            listed.verify()
            _ = try listed.tasks()
            let waiting = next.state.withLock { $0.staged.values.compactMap(\.attempt) }
            // A status whose reply was lost stands, though nobody here knows it.
            #expect(history.successes(listed).subtracting(waiting) == history.successes(next), comment)
            history.end(listed)
            #expect(history.bucket.objects.keys.filter { $0.contains("lease") } == [], comment)
        }
    }

    @Test(arguments: [false, true]) func anotherMachineGoesOn(_ losingReply: Bool) throws {
        for request in 1...(try Self.requests()) {
            let comment: Comment = "request \(request), its reply lost: \(losingReply)"
            let history = try died(at: request, losingReply: losingReply)
            history.bucket.objects.pass(seconds: 200)
            let next = try history.bucket.claimed("other")
            try history.check(next, comment)
            // What was on its way from one place to another may be lost to it, and is made again; not more.
            let lost = Set(history.done).subtracting(history.successes(next))
            #expect(lost.count <= 1, comment)
            try next.finish()
            // The first one comes back.
            let back = try history.bucket.claimed()
            try history.check(back, comment)
            #expect(history.successes(back) == history.successes(next), comment)
            try back.finish()
        }
    }

    /// Who recovers is killed, too, at each of his requests.
    @Test(arguments: [false, true]) func theRecoveryDiesAsWell(_ isOnAnotherMachine: Bool) throws {
        let machine = isOnAnotherMachine ? "other" : "box"
        for request in stride(from: 2, through: try Self.requests(), by: 1) {
            for second in 1...40 {
                let comment: Comment = "request \(request), then \(second), \(machine)"
                let history = try died(at: request, losingReply: request.isMultiple(of: 2))
                history.bucket.objects.pass(seconds: isOnAnotherMachine ? 200 : 0)
                history.bucket.objects.dies(at: second, losingReply: second.isMultiple(of: 3))
                let next = history.bucket.store(machine)
                let hasDied = (try? next.claim(holder: history.bucket.holder(machine))) == nil
                history.end(next)
                history.bucket.objects.dies(at: nil)
                let last = try history.bucket.claimed(machine)
                try history.check(last, comment)
                let lost = Set(history.done).subtracting(history.successes(last))
                #expect(lost.count <= (isOnAnotherMachine ? 1 : 0), comment)
                try last.finish()
                if !hasDied { break }
            }
        }
    }

    /// The listing is one object of the index, and what came after it another, whatever the chance in their names.
    @Test func whatComesAfterAListingCounts() throws {
        for _ in 0..<20 {
            let (bucket, attempt) = (try Bucket(), try Bucket().attempt())
            let first = try bucket.claimed()
            try bucket.fill(first, "a", bucket.attempt())
            try bucket.sync(first)
            try first.finish()
            bucket.objects.remove(["p/a/status"])
            let second = bucket.store()
            second.verify()
            try second.claim(holder: bucket.holder("box"))
            let broken = try #require(try second.events(of: .standing(task: "a"))?.attempt)
            try second.retire("a", key: bucket.key, attempt: broken)
            try bucket.fill(second, "a", attempt)
            try bucket.sync(second)
            try second.finish()
            #expect(try bucket.store("other").status(of: .standing(task: "a")) == "success")
            #expect(try bucket.store("other").events(of: .standing(task: "a"))?.attempt == attempt)
        }
    }

    /// What ran to its end before saturn was killed, and nobody has looked whether it is good.
    @Test(arguments: [true, false]) func aLeftoverIsVouchedFor(_ isGood: Bool) throws {
        let (bucket, attempt) = (try Bucket(), AttemptID("91270c44-966c-44e7-aa84-e5c135bd949f"))
        let first = try bucket.claimed()
        try bucket.fill(first, "a", try #require(attempt))
        first.state.withLock { $0.claim }?.ticker.stop()
        try first.queue.finish()
        first.lock.release()
        #expect(bucket.objects.text("p/a/status") == nil)
        let second = try bucket.claimed()
        #expect(try second.events(of: .standing(task: "a"))?.attempt == attempt)
        try second.finish()
        #expect(bucket.objects.text("p/a/status") == nil, "nobody has vouched for it")
        let third = try bucket.claimed()
        #expect(try third.look(at: .standing(task: "a")) != .absent)
        third.vouch(for: "a", isGood: isGood)
        try bucket.sync(third)
        try third.finish()
        #expect(bucket.objects.text("p/a/status") == "success")
        let events = EventLog(parsing: bucket.objects.text("p/a/events") ?? "")
        #expect(events?.isReusable == isGood)
    }

    /// A success is shown only when it was looked after: one that ended since has to wait.
    @Test func whatCameAfterTheLookWaits() throws {
        let bucket = try Bucket()
        let store = try bucket.claimed()
        try bucket.fill(store, "a", bucket.attempt())
        let time = S3Results.wallClock()
        poll(nil, 0, 2)
        try bucket.fill(store, "b", bucket.attempt())
        try store.sync(at: time, boot: "b")
        #expect(bucket.objects.text("p/a/status") == "success")
        #expect(bucket.objects.text("p/b/status") == nil)
        try bucket.sync(store)
        #expect(bucket.objects.text("p/b/status") == "success")
        try store.finish()
    }

    /// The machine of the first has slept, and its lease was taken.
    @Test func theOneThatSleptStops() throws {
        let bucket = try Bucket()
        let store = try bucket.claimed("one")
        try bucket.fill(store, "a", bucket.attempt())
        bucket.objects.pass(seconds: 200)
        let other = try bucket.claimed("two")
        store.state.withLock { $0.claim?.renewed -= 200 }
        #expect(try failure { try bucket.sync(store) }.kind == .inUse)
        #expect(bucket.objects.text("p/a/status") == nil)
        try other.finish()
        store.state.withLock { $0.claim }?.ticker.stop()
    }
}
