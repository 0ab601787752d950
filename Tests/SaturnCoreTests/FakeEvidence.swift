import SaturnCore

/// What a store and a ledger would know, as a test says it.
final class FakeEvidence: PlanEvidence {
    var standing: [String: Standing] = [:]
    var stored: [TaskKey: [StoredResult]] = [:]
    var digests: [AttemptID: Digest] = [:]
    var manifests: [TaskKey: [Manifest.Field]] = [:]
    /// Those whose files were deleted.
    var resultless: Set<AttemptID> = []
    var plannedElsewhere: Set<String> = []

    func standing(of task: String) throws -> Standing { standing[task] ?? .nothing }
    func results(of key: TaskKey) throws -> [StoredResult] { stored[key] ?? [] }
    func digest(of result: StoredResult) throws -> Digest? {
        resultless.contains(result.attempt) ? nil : digests[result.attempt] ?? Digest(of: [])
    }
    func fields(of key: TaskKey) throws -> [Manifest.Field]? { manifests[key] }
    var newest: [String: Occupant] = [:]
    /// Files that explain a field.
    var files: [String: [FileChange]] = [:]

    func latest(of task: String) throws -> Occupant? { newest[task] }
    func explain(_ changes: [FieldChange]) throws -> [FieldChange] {
        changes.map { change in
            var change = change
            change.files = files[change.field] ?? []
            return change
        }
    }
    func check(_ occupant: Occupant, of task: Int) throws -> Bool { occupant.unchecked?.sources != nil }
    func isPlannedElsewhere(_ task: String) throws -> Bool { plannedElsewhere.contains(task) }

    /// A success in a task's folder, findable by its key.
    func succeeded(_ task: String, _ attempt: AttemptID, _ key: TaskKey, digest: String = "") {
        standing[task] = .success(Occupant(attempt: attempt, key: key))
        store(attempt, key, of: task, at: .standing(task: task), digest: digest)
    }

    func shelved(_ attempt: AttemptID, _ key: TaskKey, of task: String) {
        store(attempt, key, of: task, at: .attic(key: key, attempt: attempt))
    }

    func store(_ attempt: AttemptID, _ key: TaskKey, of task: String, at place: ResultPlace, digest: String = "") {
        stored[key, default: []].append(StoredResult(attempt: attempt, key: key, task: task, place: place))
        digests[attempt] = Digest(of: digest.utf8)
    }
}

extension AttemptID {
    /// An attempt that a test can name.
    static func number(_ number: UInt64) -> AttemptID {
        var id = AttemptID.zero
        id.low = number
        return id
    }

    private static var zero: AttemptID {
        var generator = ZeroGenerator()
        return AttemptID(using: &generator)
    }

    private struct ZeroGenerator: RandomNumberGenerator {
        mutating func next() -> UInt64 { 0 }
    }
}
