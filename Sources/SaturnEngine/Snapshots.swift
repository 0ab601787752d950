import CSystem
import Glibc
import SaturnCore

/// The copies of code that a run's tasks run from: `.saturn/snapshots/<tree>`, made once for a state of the code.
///
/// A folder of such a name is complete and does not change; one that somebody has changed is made again. The lock that a run has on it, shared with others, keeps gc
/// away until the run ends.
struct Snapshots {
    private let state: StateFolder
    private let compilation: Compilation
    /// By snapshot: the folder, and the lock on it.
    private var held: [Int: (folder: String, lock: RunLock)] = [:]

    /// Makes what is missing of what the tasks of the plan need. Nothing is made where they need none.
    ///
    /// Throws a ``Failure`` when the code is not what it was when the plan was made.
    init(_ preparation: Preparation, state: StateFolder) throws {
        self.state = state
        compilation = preparation.compilation
        let mayRun = preparation.plan.decisions.indices.filter { task in
            preparation.plan.decisions[task].map { $0.action != .reuse && $0.action != .restore } ?? false
        }
        for index in Set(mayRun.compactMap { compilation.snapshotOf[$0] }).sorted() {
            held[index] = try hold(compilation.snapshots[index])
        }
    }

    /// The snapshot that the task runs from.
    func folder(of task: Int) -> String? { compilation.snapshotOf[task].flatMap { held[$0]?.folder } }

    /// Where the task runs; `nil` when that is not in a snapshot.
    func workdir(of task: Int) throws -> String? {
        guard let index = compilation.snapshotOf[task] else { return nil }
        guard let folder = held[index]?.folder else {
            throw Failure(.fault, "task \(task) has no snapshot to run from")
        }
        let inside = compilation.graph.nodes[task].manifest.workdir
        return inside.isEmpty ? folder : "\(folder)/\(inside)"
    }

    private func hold(_ spec: SnapshotSpec) throws -> (folder: String, lock: RunLock) {
        let shelf = SnapshotShelf(state)
        let parent = shelf.path
        guard mkdir(parent, 0o700) == 0 || errno == EEXIST else { throw SnapshotShelf.problem("make", parent) }
        let folder = "\(parent)/\(spec.name)"
        // Each time round, somebody else has made it or removed it in between.
        for _ in 0..<10 {
            if let lock = try SnapshotShelf.lock(folder, LOCK_SH) {
                try checkUnchanged(spec)
                if SnapshotSeal(folder, name: spec.name, in: shelf.seals).isIntact { return (folder, lock) }
                try shelf.discard(folder, lock)
                continue
            }
            let draft = try make(spec, in: parent)
            let seal = SnapshotSeal(draft.folder, name: spec.name, in: shelf.seals)
            try seal.write(in: state)
            if rename(draft.folder, folder) == 0 {
                csystem_step("snapshot.named")
                return (folder, draft.lock)
            }
            let code = errno
            seal.remove()
            SnapshotShelf.remove(draft.folder)
            guard code == EEXIST || code == ENOTEMPTY else { throw SnapshotShelf.problem("make", folder, code) }
        }
        throw Failure(.engine, "\(folder) comes and goes", hint: "is another gc at work?")
    }

    /// A complete copy under a name that nobody looks for.
    private func make(_ spec: SnapshotSpec, in parent: String) throws -> (folder: String, lock: RunLock) {
        var generator = SystemRandomNumberGenerator()
        // An editor may have been writing.
        for _ in 0..<3 {
            let draft = "\(parent)/\(SnapshotShelf.draft)\(AttemptID(using: &generator))"
            guard mkdir(draft, 0o700) == 0 else { throw SnapshotShelf.problem("make", draft) }
            var isKept = false
            defer { if !isKept { SnapshotShelf.remove(draft) } }
            guard let lock = try SnapshotShelf.lock(draft, LOCK_SH) else { continue }
            let repository = try compilation.parts.code.repository(containing: spec.root)
            let copied = try repository?.copy(spec.selection, to: draft)
            csystem_step("snapshot.copied")
            try checkUnchanged(spec)
            guard copied?.tree == spec.tree else { continue }
            try SnapshotLinks(from: spec.root, to: draft).make(spec)
            try SnapshotShelf.seal(draft)
            csystem_step("snapshot.sealed")
            isKept = true
            return (draft, lock)
        }
        throw Failure(
            .engine, "the code in \(spec.root) changes all the time: no snapshot of it can be made",
            hint: "run again when it rests")
    }

    private func checkUnchanged(_ spec: SnapshotSpec) throws {
        guard let change = compilation.sources.look(at: spec.sources).first(where: \.isChanged) else { return }
        throw Failure(
            .engine, "\(change.what) changed after the plan was made, and before a snapshot was", hint: "run again")
    }
}
