import Glibc
import SaturnCore
import SaturnEngine

/// A project that was copied, `.saturn` and all, has records of results that are its original's.
enum Ownership {
    /// Those of one command. A bucket is one and the same each time: what is in its index is read once, and who has its
    /// lease does not meet himself.
    static func stores(for state: StateFolder) -> (String) throws -> any ResultStore {
        var buckets: [String: any ResultStore] = [:]
        return { location in
            if let known = buckets[location] { return known }
            let store = try store(at: location, for: state)
            if store.isRemote { buckets[location] = store }
            return store
        }
    }

    /// Takes the lock of the results folder; a project that has lost its state folder gets its id back from there.
    ///
    /// - Parameter isNew: the project has got its id a moment ago.
    static func claim(_ loaded: Wiring.Loaded, _ holder: LockHolder, isNew: Bool) throws {
        let store = loaded.compilation.parts.store
        let last = try store.lastHolder.map { LockHolder(parsing: $0) }
        if isNew, let last { try loaded.folder.reclaim(from: last, isShared: store.isRemote) }
        try store.claim(holder: holder.owned(by: loaded.folder.project, state: loaded.folder.path).text)
    }

    /// The id of a project that has lost the folder of its state, as its results tell.
    static func lostProject(of store: any ResultStore, _ state: StateFolder) -> String? {
        guard let last = (try? store.lastHolder).flatMap({ $0 }) else { return nil }
        return state.lostProject(known: LockHolder(parsing: last), isShared: store.isRemote)
    }

    /// The store of that name, to be changed by the project whose state is in `state`.
    ///
    /// Throws a ``Failure`` of kind `inUse` when the results are those of the project that this one is a copy of.
    static func store(at location: String, for state: StateFolder) throws -> any ResultStore {
        let store = try BuiltInStore.at(location, state)
        // Projects share a bucket on purpose.
        guard !store.isRemote else { return store }
        guard let last = try store.lastHolder.map({ LockHolder(parsing: $0) }), let owner = last.state,
            owner != state.path, last.project == state.project, StateFolder(path: owner).project == last.project
        else { return store }
        throw Failure(
            .inUse, "\(location) belongs to the project in \(Paths.parent(owner)), of which this one is a copy",
            hint: "saturn run makes results of its own here")
    }
}
