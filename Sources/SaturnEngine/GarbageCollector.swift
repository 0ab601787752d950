import CSystem
public import SaturnCore

/// Deletes what a survey says, in two phases: everything is renamed out of sight first, and deleted when the ledger has
/// forgotten it. A kill in between leaves nothing that the next gc does not finish.
public struct GarbageCollector {
    private let ledger: any Ledger
    private let state: StateFolder
    private let clock: any TimeSource
    private let holder: LockHolder
    private let stores: (String) throws -> any ResultStore

    /// - Parameter stores: a store for each location that the ledger knows; one of its own for each call, unless it is
    ///   elsewhere.
    public init(
        ledger: any Ledger, state: StateFolder, clock: any TimeSource, holder: LockHolder,
        stores: @escaping (String) throws -> any ResultStore
    ) {
        self.ledger = ledger
        self.state = state
        self.clock = clock
        self.holder = holder
        self.stores = stores
    }

    /// What would be deleted; changes nothing.
    public func plan(_ request: GarbageRequest) throws -> Garbage {
        if request.removesResults, let run = request.run, let holder = state.holder(of: run.name) {
            throw Failure(.inUse, "run '\(run.name)' is in use by \(holder.words)")
        }
        var garbage = try survey(request, active: state.activeRuns())
        if request.run == nil { garbage.snapshots = SnapshotShelf(state).unused() }
        return garbage
    }

    /// Deletes; returns what was deleted and what stays.
    ///
    /// Throws a ``Failure`` before anything was changed when something cannot be listed, and of kind `inUse` when the
    /// run whose results are to go is active.
    public func collect(_ request: GarbageRequest) throws -> Garbage {
        let active = try state.activeRuns()
        let claims = try claim(request)
        var garbage = try survey(request, active: active)
        if let note = claims?.note { garbage.notes.append(note) }
        let (planned, places) = (garbage.going, try request.locations(in: ledger))
        garbage.going = []
        var problem: (any Error)?
        do {
            for location in Set(planned.map(\.location)).sorted() {
                try discard(planned.filter { $0.location == location }, claims, &garbage)
            }
        } catch {
            problem = error
            garbage.forgottenRuns = []
        }
        try forget(&garbage, claims)
        csystem_step("gc.forgotten")
        claims?.release()
        // Also where nothing goes now: an earlier gc may have been killed before it came to this.
        for location in places {
            do { try stores(location).purge() } catch let failure as Failure
                where failure.kind == .workspace || failure.kind == .inUse
            { continue } catch { problem = problem ?? error }
        }
        if request.run == nil {
            do { garbage.snapshots = try SnapshotShelf(state).prune() } catch { problem = problem ?? error }
        }
        try NeedsFiles(state).sweep(at: clock.now())
        if let problem { throw problem }
        return garbage
    }

    private func survey(_ request: GarbageRequest, active: [String]) throws -> Garbage {
        try GarbageSurvey(
            ledger: ledger, project: state.project, now: clock.now(), request: request, activeRuns: active,
            stores: stores
        ).survey()
    }

    // MARK: Locks

    /// What must not change hands while the results of a run are deleted.
    private final class Claims {
        private var held: [Any]
        let note: String?

        init(_ held: [Any], note: String? = nil) {
            self.held = held
            self.note = note
        }

        func release() {
            for case let store as any ResultStore in held { try? store.finish() }
            held = []
        }
    }

    private func claim(_ request: GarbageRequest) throws -> Claims? {
        guard request.removesResults, let run = request.run else { return nil }
        let lock = try state.lock(run: run.name, holder: holder)
        let store = try stores(run.location)
        do { _ = try store.archived() } catch let failure as Failure where failure.kind == .workspace {
            // A claim would make the folder anew.
            return Claims([lock])
        }
        try store.claim(holder: holder.text)
        let survivors = try Survivors.end(of: ledger.tasks(of: run.name).map(\.name), in: store.workplace)
        return Claims([lock, store], note: Survivors.words(survivors))
    }

    // MARK: Discarding

    private func discard(_ items: [Garbage.Item], _ claims: Claims?, _ garbage: inout Garbage) throws {
        guard let location = items.first?.location else { return }
        let store = try stores(location)
        try discardSuperseded(items.filter { if case .superseded = $0.reason { true } else { false } }, store, &garbage)
        for item in items where item.reason == .result && claims != nil {
            if try store.discard(item.place) { garbage.going.append(item) }
        }
        let checkpoints = items.filter { if case .checkpoint = $0.reason { true } else { false } }
        if !checkpoints.isEmpty { try discardCheckpoints(checkpoints, store, claims, &garbage) }
    }

    private func discardSuperseded(
        _ items: [Garbage.Item], _ store: any ResultStore, _ garbage: inout Garbage
    ) throws {
        var rest = items[...]
        while !rest.isEmpty {
            // Runs that are about to begin wait for it.
            let lock = try store.lockAttic()
            defer { withExtendedLifetime(lock) {} }
            for item in rest.prefix(500) {
                // A run may have taken it back since, and put it there again; or somebody has pinned it.
                guard let result = try store.result(at: item.place), result.since == item.since,
                    !result.events.isPinned
                else { continue }
                if try store.discard(item.place) { garbage.going.append(item) }
            }
            rest = rest.dropFirst(500)
        }
    }

    /// Only while no run is active there: it may just be going on from one.
    private func discardCheckpoints(
        _ items: [Garbage.Item], _ store: any ResultStore, _ claims: Claims?, _ garbage: inout Garbage
    ) throws {
        let guardian = claims == nil ? try stores(store.location) : nil
        do { try guardian?.claim(holder: holder.text) } catch let failure as Failure where failure.kind == .inUse {
            garbage.notes.append("a run is active in \(store.location): its checkpoints stay")
            return
        }
        defer { try? guardian?.finish() }
        for item in items where try store.checkpoint(at: item.place)?.since == item.since {
            if try store.discard(item.place) { garbage.going.append(item) }
        }
    }

    private func forget(_ garbage: inout Garbage, _ claims: Claims?) throws {
        var locks: [RunLock] = []
        if claims == nil {
            garbage.forgottenRuns = try garbage.forgottenRuns.filter { run in
                do { locks.append(try state.lock(run: run.name, holder: holder)) } catch let failure as Failure
                    where failure.kind == .inUse
                { return false }
                // It may have run since it was looked at.
                return try ledger.runs().contains(run)
            }
        }
        var batch = LedgerBatch()
        batch.forgotten = garbage.going.compactMap(\.attempt)
        batch.forgottenRuns = garbage.forgottenRuns.map(\.name)
        if !batch.isEmpty { try ledger.commit(batch) }
        withExtendedLifetime(locks) {}
    }
}
