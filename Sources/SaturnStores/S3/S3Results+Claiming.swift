import Glibc
import SaturnCore

/// Who may write: one saturn of a state folder by its lock, one of all machines by its lease.
extension S3Results {
    public var lastHolder: String? {
        get throws {
            if let claim = state.withLock({ $0.claim }) { return claim.holder }
            let holders = try storage.get(prefix + ".saturn/owner", limit: 4096)
            return holders.map { String(decoding: $0.bytes, as: UTF8.self) }
        }
    }

    public func claim(holder: String) throws {
        try reporting("make the workspaces' folder") { try Files.makeFolders(local.location + "/.saturn") }
        try lock.take(holder: holder, what: "\(location), on this machine,")
        do { try takeLease(holder) } catch {
            lock.release()
            throw error
        }
    }

    private func takeLease(_ holder: String) throws {
        let before = try segments.read(known: cached, keep: cache)
        let dead = try deadLeases(before.leases, for: holder)
        let epoch = before.epoch + 1
        let lease = Lease.name(epoch: epoch)
        try segments.write(lease, Array(holder.utf8))
        let look = try alone(lease, besides: dead.names)
        // At once: one who only stood still notices that, and stops.
        try segments.remove(dead.names)
        let recovery = Recovery(self)
        let recovered = try recovery.recover(look, dead: dead)
        try reporting("make the journal of the results") {
            try makeClaim(epoch, lease, holder, look.names, recovered)
        }
        let leftovers = try recovery.leftovers(beside: recovered.index)
        try recovery.clearWorkspaces(except: leftovers)
        state.withLock { $0.staged.merge(leftovers) { own, _ in own } }
        try finish(recovered)
        if before.names.isEmpty || !dead.names.isEmpty {
            try storage.put(prefix + ".saturn/owner", Array(holder.utf8), type: "text/plain")
        }
    }

    /// Looks again until there is no other lease.
    ///
    /// Who has written one between the two looks sees this one too: the first of both by name stays, the other gives way.
    /// One who does not give way has not seen this one: it was there before.
    private func alone(_ lease: String, besides dead: [String]) throws -> IndexSegments.Look {
        var looks = 0
        while true {
            let found = try segments.read(known: cached, keep: cache)
            let rivals = found.leases.filter { $0.name != lease && !dead.contains($0.name) }
            guard let rival = rivals.min(by: { $0.name < $1.name }) else { return found }
            looks += 1
            if rival.name < lease || looks > 10 {
                try? segments.remove([lease])
                throw try inUse(rival)
            }
            poll(nil, 0, 500)
        }
    }

    private func makeClaim(
        _ epoch: Int, _ lease: String, _ holder: String, _ names: [String], _ recovered: Recovery.Outcome
    ) throws {
        let journal = Journal(path: local.location + "/.saturn/journal")
        // What was found by listing no segment says yet: until one does, a journal has nothing to go on from.
        let owner = recovered.isRelisted ? 0 : epoch
        try journal.begin(epoch: owner, boot: Journal.boot, recovered.changes + recovered.open)
        // It does not keep the store: who forgets to close it lets the lease lapse.
        let ticker = try Ticker { [weak self] in self?.tick() }
        let claim = Claim(
            epoch: epoch, lease: lease, holder: holder, journal: journal, segments: names,
            nextSegment: Self.uptime() + 60, renewed: Self.uptime(), ticker: ticker)
        state.withLock { state in
            state.claim = claim
            state.index = recovered.index
        }
    }

    /// Of those who will not come back: their leases have lapsed, or were those of this state folder, whose lock we have.
    private func deadLeases(_ leases: [Lease], for holder: String) throws -> Recovery.Dead {
        let own = HolderText(holder)
        var dead = Recovery.Dead()
        for lease in leases {
            guard let text = try storage.get(segments.prefix + lease.name, limit: 4096) else { continue }
            let isOwn = HolderText(String(decoding: text.bytes, as: UTF8.self)).isSame(as: own)
            guard isOwn || !lease.isLive else { throw try inUse(lease) }
            dead.names.append(lease.name)
            dead.areOwn = dead.areOwn && isOwn
        }
        return dead
    }

    private func inUse(_ lease: Lease) throws -> Failure {
        let text = try storage.get(segments.prefix + lease.name, limit: 4096)
        let words = text.map { HolderText(String(decoding: $0.bytes, as: UTF8.self)).words } ?? ""
        return Failure(
            .inUse, "\(location) is in use" + (words.isEmpty ? "" : " by \(words)"),
            hint: "--wait waits for it; of a saturn that was killed it is free after \(Lease.lapse / 60) minutes")
    }

    /// Once a second, on a thread of its own.
    private func tick() {
        let time = Self.uptime()
        guard let renewed = state.withLock({ $0.claim?.renewed }), queue.failure == nil else { return }
        showLogs(at: time)
        guard time - renewed >= Int64(Lease.period) else { return }
        do { try renew() } catch let failure as Failure {
            // A server that is away for a while takes nobody's lease.
            if failure.kind == .inUse || Self.uptime() - renewed >= Int64(Lease.lapse) { queue.fail(failure) }
        } catch { queue.fail(error) }
    }

    /// Throws a ``Failure`` of kind `inUse` when another saturn has taken it.
    private func renew() throws {
        try renewing.withLock { _ in
            guard let claim = state.withLock({ $0.claim }) else { return }
            let time = Self.uptime()
            guard try leases.storage.get(leases.prefix + claim.lease, limit: 4096) != nil else {
                throw Failure(
                    .inUse, "\(location) was taken over by another saturn while this one stood still",
                    hint: "run again: what is complete is kept")
            }
            try leases.write(claim.lease, Array(claim.holder.utf8))
            state.withLock { $0.claim?.renewed = time }
        }
    }

    /// Before something is made of what stands in the bucket: after a long sleep of this machine it may be another's.
    func checkLease() throws {
        guard let renewed = state.withLock({ $0.claim?.renewed }) else { return }
        if Self.uptime() - renewed >= Int64(Lease.lapse) / 2 { try renew() }
    }

    // MARK: The journal and the index

    func journal(_ change: IndexChange) throws {
        guard let journal = state.withLock({ $0.claim?.journal }) else { return }
        try reporting("write the journal of the results") { try journal.append(change) }
    }

    /// Something has happened in the bucket.
    ///
    /// - Parameter isKnown: the index here says so already.
    func apply(_ change: IndexChange, isKnown: Bool = false) throws {
        try journal(change)
        try state.withLock { state in
            // It would be in no segment.
            guard state.claim != nil else { throw Failure(.fault, "\(location) is changed without its lease") }
            if !isKnown { state.index?.apply(change) }
            state.claim?.pending.append(change)
        }
    }

    /// Writes a segment when there is something to write and it is time: after one minute, two, four …
    func writeSegment(isLast: Bool) throws {
        let time = Self.uptime()
        let work = state.withLock { state -> (name: String, changes: [IndexChange])? in
            guard let claim = state.claim, !claim.pending.isEmpty, isLast || time >= claim.nextSegment else {
                return nil
            }
            state.claim?.number += 1
            return (IndexSegments.name(epoch: claim.epoch, number: claim.number, isBase: false), claim.pending)
        }
        guard let work else { return }
        let bytes = Segment.text(work.changes)
        try segments.write(work.name, bytes)
        cache(work.name, bytes)
        state.withLock { state in
            state.claim?.pending.removeFirst(work.changes.count)
            state.claim?.segments.append(work.name)
            state.claim?.segmentPause *= 2
            let pause = state.claim?.segmentPause ?? 0
            state.claim?.nextSegment = time + pause
        }
    }

    /// Makes one segment of many, so that reading them takes few requests.
    func compact(over limit: Int) throws {
        let work = state.withLock { state -> (name: String, index: ResultIndex, old: [String])? in
            guard let claim = state.claim, claim.segments.count > limit, claim.pending.isEmpty, let index = state.index
            else { return nil }
            return (IndexSegments.name(epoch: claim.epoch, number: 999_999, isBase: true), index, claim.segments)
        }
        guard let work else { return }
        let bytes = Segment.text(work.index.changes, replacing: work.old)
        try segments.write(work.name, bytes)
        try segments.remove(work.old)
        for name in work.old { unlink("\(cacheFolder)/\(name)") }
        cache(work.name, bytes)
        state.withLock { $0.claim?.segments = [work.name] }
    }

    /// Keeps a copy of a segment on this machine; one that cannot be kept is read again.
    func cache(_ name: String, _ bytes: [UInt8]) {
        try? Files.makeFolders(cacheFolder)
        guard let folder = try? OpenFolder(cacheFolder) else { return }
        let draft = "\(name).\(getpid())"
        guard (try? folder.write(String(decoding: bytes, as: UTF8.self), to: draft)) != nil else { return }
        try? folder.rename(draft, to: name)
    }

    // MARK: The end

    /// Waits for what is under way, writes the index and gives the lease back.
    public func finish() throws {
        guard let claim = state.withLock({ $0.claim }) else { return }
        claim.ticker.stop()
        defer { lock.release() }
        do {
            // Of successes that nobody has looked after, the next run makes up its mind.
            try completeAll(until: nil)
            try queue.wait()
            try writeSegment(isLast: true)
            try compact(over: 16)
        } catch {
            // The lease and the journal stay: whoever comes next goes on from there.
            renewing.withLock { _ in state.withLock { $0.claim = nil } }
            try? queue.finish()
            throw error
        }
        try renewing.withLock { _ in
            state.withLock { $0.claim = nil }
            try segments.remove([claim.lease])
        }
        try queue.finish()
        claim.journal.remove()
        removeKept()
    }
}
