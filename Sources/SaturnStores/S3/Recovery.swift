import Glibc
import SaturnCore
import Synchronization

/// What a saturn that was killed has left: found again from its journal on this machine, or from the objects themselves.
struct Recovery {
    private let store: S3Results

    init(_ store: S3Results) {
        self.store = store
    }

    /// Leases of those who will not come back.
    struct Dead {
        var names: [String] = []
        /// All of them are of this state folder.
        var areOwn = true
    }

    struct Outcome {
        var index: ResultIndex
        /// What no segment says yet.
        var changes: [IndexChange] = []
        /// Begun, and to be done again.
        var open: [IndexChange] = []
        /// What is left of something that is elsewhere, or of nothing.
        var strays: [ResultPlace] = []
        /// The index was made again from the objects.
        var isRelisted = false
    }

    /// For a plan, which changes nothing.
    func view(_ look: IndexSegments.Look) throws -> ResultIndex {
        let journal = try ownJournal()
        let own = look.leases.filter { IndexSegments.epoch(of: $0.name) == journal?.epoch }
        let dead = look.leases.filter { !$0.isLive || own.contains($0) }
        if let damage = look.damage { store.remark("\(damage); the objects are listed instead") }
        var outcome = try recover(look, Dead(names: dead.map(\.name), areOwn: dead == own), journal)
        for change in outcome.open {
            switch change {
            case .retiring(let task, let attempt): outcome.index.apply(.retired(task, attempt, store.now()))
            case .restoring(let attempt, let task): outcome.index.apply(.restored(attempt, task, store.now()))
            default: break
            }
        }
        return outcome.index
    }

    func recover(_ look: IndexSegments.Look, dead: Dead) throws -> Outcome {
        if let damage = look.damage { store.remark("\(damage); it is made again from the objects") }
        return try recover(look, dead, ownJournal())
    }

    private func recover(_ look: IndexSegments.Look, _ dead: Dead, _ journal: Journal.Content?) throws -> Outcome {
        if look.damage != nil || store.state.withLock({ $0.isVerifying }) { return try relisted(look) }
        if !look.names.isEmpty, dead.names.isEmpty { return Outcome(index: look.index) }
        if let journal, isLast(journal, look, dead) { return replayed(journal.changes, on: look.index) }
        return try relisted(look)
    }

    /// Whether nobody was at work after the journal was written but those of this machine who died before they had one of
    /// their own. Where another machine was, the journal says what is over.
    private func isLast(_ journal: Journal.Content, _ look: IndexSegments.Look, _ dead: Dead) -> Bool {
        journal.epoch > 0 && dead.areOwn
            && dead.names.contains { IndexSegments.epoch(of: $0) >= journal.epoch }
            && look.names.allSatisfy { IndexSegments.epoch(of: $0) <= journal.epoch }
    }

    /// Of this start of the machine: an earlier one may not have reached the disk.
    private func ownJournal() throws -> Journal.Content? {
        let journal = try store.reporting("read the journal of the results") {
            try Journal(path: store.local.location + "/.saturn/journal").read()
        }
        return journal?.boot == Journal.boot ? journal : nil
    }

    // MARK: From the journal

    private func replayed(_ changes: [IndexChange], on index: ResultIndex) -> Outcome {
        var outcome = Outcome(index: index)
        for change in changes {
            switch change {
            case .began, .retiring, .restoring:
                // An earlier recovery may have begun it again.
                if !outcome.open.contains(change) { outcome.open.append(change) }
                continue
            case .stands(let entry): outcome.open.removeAll { $0 == .began(entry.task) }
            case .retired(let task, let attempt, _): outcome.open.removeAll { $0 == .retiring(task, attempt) }
            case .restored(let attempt, let task, _): outcome.open.removeAll { $0 == .restoring(attempt, task) }
            case .noted, .dropped: break
            }
            outcome.index.apply(change)
            outcome.changes.append(change)
        }
        return outcome
    }

    // MARK: From the objects

    /// What is at one place: the sizes of objects, by the bytes of their names there (two may be one to Swift).
    private struct Group {
        private var known: [[UInt8]: ObjectListing.Entry] = [:]
        var modified: Int64 = 0
        var count: Int { known.count }
        var bytes: Int64 { known.values.reduce(0) { $0 + $1.size } }

        func has(_ name: String) -> Bool { known[Array(name.utf8)] != nil }

        mutating func add(_ name: Substring, _ object: ObjectListing.Entry) {
            known[Array(name.utf8)] = object
            modified = max(modified, object.modified)
        }

        /// Whether all of them are there, each as large as it was.
        func has(_ records: [ObjectRecord]) -> Bool {
            records.allSatisfy { !$0.isObject || known[Array($0.path.utf8)]?.size == $0.size }
        }

        /// Whether an object was written after `status`, which is the last one.
        func isYounger(_ name: String) -> Bool {
            guard let object = known[Array(name.utf8)], let status = known[Array("status".utf8)] else { return false }
            return object.modified > status.modified
        }

        var hasYounger: Bool {
            known.keys.contains { $0 != Array("events".utf8) && isYounger(String(decoding: $0, as: UTF8.self)) }
        }
    }

    private func relisted(_ look: IndexSegments.Look) throws -> Outcome {
        var groups: [ResultPlace: Group] = [:]
        for object in try store.storage.list(store.prefix, isFlat: false).objects {
            guard let (place, name) = place(of: object.key) else { continue }
            groups[place, default: Group()].add(name, object)
        }
        let found = groups.filter { $0.value.has("events") }.map { (place: $0.key, group: $0.value) }
        let index = Mutex(ResultIndex())
        try store.queue.parallel(found.count) { number in
            let place = found[number].place
            guard let entry = try entry(place, found[number].group, look) else { return }
            index.withLock { index in
                switch place {
                case .standing(let task): index.standing[task] = entry
                case .attic(_, let attempt): index.attic[attempt] = entry
                case .checkpoint, .at: break
                }
            }
        }
        var outcome = Outcome(index: index.withLock { $0 }, isRelisted: true)
        // A result whose events were deleted is none, and in the way of the next.
        for (place, group) in groups where !group.has("events") {
            if case .standing(let task) = place, look.index.standing[task] != nil { outcome.strays.append(place) }
        }
        dropTwins(from: &outcome)
        return outcome
    }

    /// An attempt that was on its way from one place to another is at both: it is where it has its `status`.
    private func dropTwins(from outcome: inout Outcome) {
        var owner: [AttemptID: String] = [:]
        for (task, entry) in outcome.index.standing.sorted(by: { $0.key < $1.key }) {
            if let other = owner[entry.attempt] {
                let stray = entry.status == nil ? task : other
                outcome.index.standing[stray] = nil
                outcome.strays.append(.standing(task: stray))
                if stray == task { continue }
            }
            owner[entry.attempt] = task
            guard let twin = outcome.index.attic[entry.attempt] else { continue }
            if entry.status == nil, twin.status != nil {
                outcome.index.standing[task] = nil
                outcome.strays.append(.standing(task: task))
            } else {
                outcome.index.attic[entry.attempt] = nil
                outcome.strays.append(.attic(key: twin.key, attempt: twin.attempt))
            }
        }
    }

    private func place(of key: String) -> (ResultPlace, name: Substring)? {
        let rest = Substring(key.utf8.dropFirst(store.prefix.utf8.count))
        guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let task = String(rest[..<slash])
        guard task == ".saturn" else { return (.standing(task: task), Substring(rest.utf8[slash...].dropFirst())) }
        let parts = rest.utf8.split(
            separator: UInt8(ascii: "/"), maxSplits: 4, omittingEmptySubsequences: false
        ).map { Substring($0) }
        guard parts.count > 4, parts[1] == "attic", let key = TaskKey(hex: parts[2]), let attempt = AttemptID(parts[3])
        else { return nil }
        return (.attic(key: key, attempt: attempt), parts[4])
    }

    /// What the index says is believed where the objects are as many and as large, and none is younger.
    private func entry(_ place: ResultPlace, _ group: Group, _ look: IndexSegments.Look) throws -> IndexEntry? {
        let known: IndexEntry? =
            switch place {
            case .standing(let task): look.index.standing[task]
            case .attic(_, let attempt): look.index.attic[attempt]
            case .checkpoint, .at: nil
            }
        if let known, known.objects == group.count, known.bytes == group.bytes, group.modified < look.modified,
            (known.status == nil) == !group.has("status"), !group.hasYounger
        {
            return known
        }
        return try read(place, group)
    }

    private func read(_ place: ResultPlace, _ group: Group) throws -> IndexEntry? {
        let keys = store.keys(of: place)
        guard let bytes = try store.storage.get(keys + "events", limit: 1 << 28)?.bytes,
            case let (records, text) = ObjectRecord.split(String(decoding: bytes, as: UTF8.self)),
            let events = EventLog(parsing: text), let key = events.key, let attempt = events.attempt
        else { return nil }
        var status: String?
        if group.has("status"), let found = try store.storage.get(keys + "status", limit: 64) {
            status = String(decoding: found.bytes, as: UTF8.self)
        }
        // A success with a part missing is none.
        if status == "success", try !group.has(records) || !isGenuine(records, group, keys) { status = nil }
        var task = events.task ?? ""
        if case .standing(let name) = place { task = name }
        return IndexEntry(
            task: task, attempt: attempt, key: key, status: status,
            digest: events.events.last { $0.type == "stored" }?["digest"].flatMap { Digest(hex: $0) },
            bytes: group.bytes, objects: group.count,
            since: Timestamp(microseconds: group.modified * 1_000_000), events: text)
    }

    /// Whether what somebody has written since has the same content all the same.
    private func isGenuine(_ records: [ObjectRecord], _ group: Group, _ keys: String) throws -> Bool {
        try records.allSatisfy { record in
            guard record.isObject, group.isYounger(record.path) else { return true }
            return try store.storage.sum(of: keys + record.path, size: record.size)?.sha256 == record.sha256
        }
    }

    // MARK: Workspaces

    /// Complete ones that are not in the bucket yet.
    func leftovers(beside index: ResultIndex) throws -> [String: StagedResult] {
        var found: [String: StagedResult] = [:]
        for task in try store.local.tasks() {
            let folder = store.local.folder(of: .standing(task: task))
            guard
                let bytes = try store.reporting(
                    "read \(folder)", { try Files.read(folder + "/events", limit: 1 << 24) }),
                var result = StagedResult(events: String(decoding: bytes, as: UTF8.self), begun: S3Results.uptime()),
                let status = try store.local.status(of: .standing(task: task)), !status.isEmpty,
                let events = EventLog(parsing: result.events), events.boot == Journal.boot,
                index.standing[task]?.attempt != result.attempt
            else { continue }
            (result.status, result.error, result.completed) = (status, events.exitCode, events.completed ?? store.now())
            result.isLeftover = true
            found[task] = result
        }
        return found
    }

    /// Removes what is in the bucket, and what attempts have left that were ended. One that was cut off may go on
    /// elsewhere: its workspace goes when its task begins anew.
    func clearWorkspaces(except kept: [String: StagedResult]) throws {
        try store.reporting("clear the workspaces of an earlier run") {
            for task in try store.local.tasks() where kept[task] == nil {
                if try store.unfinished(task) != nil { continue }
                try Files.removeTree(store.local.folder(of: .standing(task: task)))
            }
            try Files.removeTree(store.local.location + "/.saturn/needs")
        }
    }
}

extension S3Results {
    /// Does what was begun, and writes down what was found.
    func finish(_ recovered: Recovery.Outcome) throws {
        state.withLock { $0.claim?.pending = recovered.changes }
        for change in recovered.open {
            switch change {
            case .retiring(let task, let attempt): submitRetirement(of: attempt, task)
            case .restoring(let attempt, let task):
                let known = state.withLock { state in
                    state.index?.attic[attempt] ?? state.index?.standing.values.first { $0.attempt == attempt }
                }
                if let known { submitRestoration(known, to: task) }
            case .began(let task): queue.submit([task]) { try self.removeStray(task) }
            default: break
            }
        }
        for place in recovered.strays { queue.submit([]) { try self.removeAll(at: place) } }
        try queue.wait()
        if recovered.isRelisted { try writeBase() }
        try writeSegment(isLast: true)
    }

    /// All that was found by listing, in place of what the segments said.
    private func writeBase() throws {
        let (index, claim) = state.withLock { ($0.index ?? ResultIndex(), $0.claim) }
        guard let claim else { return }
        if !index.standing.isEmpty || !index.attic.isEmpty || !claim.segments.isEmpty {
            let name = IndexSegments.name(epoch: claim.epoch, number: 0, isBase: true)
            let bytes = Segment.text(index.changes, replacing: claim.segments)
            try segments.write(name, bytes)
            try segments.remove(claim.segments)
            cache(name, bytes)
            state.withLock { state in
                state.claim?.segments = [name]
                // What comes now comes after it, also by name.
                state.claim?.number += 1
            }
        }
        try reporting("write the journal of the results") {
            try claim.journal.begin(epoch: claim.epoch, boot: Journal.boot, [])
        }
    }

    /// What an attempt that was cut off has uploaded.
    private func removeStray(_ task: String) throws {
        let isKnown = state.withLock { $0.index?.standing[task] != nil || $0.staged[task] != nil }
        if !isKnown { try removeAll(at: .standing(task: task)) }
    }

    private func removeAll(at place: ResultPlace) throws {
        try storage.delete(try storage.list(keys(of: place), isFlat: false).objects.map(\.key))
    }
}
