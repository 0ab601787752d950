import CSystem
import SaturnCore
import Synchronization

/// Brings batches to the disk and into the ledger, one after another and off the loop, which a slow disk must not hold
/// up.
///
/// The ledger is told of a result only when its files have reached the disk: after a power failure, what the ledger
/// knows is whole.
final class Committer: Sendable {
    private let ledger: any Ledger
    private let store: any ResultStore
    private let boot: String
    private let worker = Mutex<Worker?>(nil)
    private let isDoubtful = Mutex(false)
    private let failure = Mutex<(any Error)?>(nil)

    init(ledger: any Ledger, store: any ResultStore, boot: String) {
        self.ledger = ledger
        self.store = store
        self.boot = boot
    }

    /// At once.
    ///
    /// - Parameter time: when the batch was closed; what completes later is not in it.
    func commit(_ batch: LedgerBatch, at time: Timestamp) throws {
        guard !batch.isEmpty else { return }
        csystem_step("commit.begin")
        if batch.hasNewResults { try sync(at: time) }
        csystem_step("commit.synced")
        try ledger.commit(batch)
        csystem_step("commit.end")
    }

    /// The kernel tells of what it could not write once: a second try would seem to succeed.
    private func sync(at time: Timestamp) throws {
        try isDoubtful.withLock { isDoubtful in
            guard !isDoubtful else { throw Failure(.engine, "results may not be on the disk") }
            isDoubtful = true
            try store.sync(at: time, boot: boot)
            isDoubtful = false
        }
    }

    /// Makes the thread for what is to be done in the background, while there are threads.
    func open() throws {
        let made = try Worker()
        worker.withLock { $0 = made }
    }

    /// In the background, once it is open; `done` is called at the end, from another thread.
    func start(_ batch: LedgerBatch, at time: Timestamp, done: @escaping @Sendable () -> Void) {
        worker.withLock { $0 }?.start { [self] in
            do { try commit(batch, at: time) } catch { failure.withLock { $0 = $0 ?? error } }
            done()
        }
    }

    /// Waits for what is under way.
    func finish() {
        let last = worker.withLock { worker in
            defer { worker = nil }
            return worker
        }
        last?.finish()
    }

    /// Throws what went wrong in the background, once.
    func check() throws {
        let problem = failure.withLock { failure in
            defer { failure = nil }
            return failure
        }
        if let problem { throw problem }
    }
}

extension LedgerBatch {
    /// Files that nobody has brought to the disk yet.
    fileprivate var hasNewResults: Bool { attempts.contains { $0.state == .success } }
}
