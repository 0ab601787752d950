/// What the planner asks of the world.
public protocol PlanEvidence: AnyObject {
    func standing(of task: String) throws -> Standing
    /// The results under these keys are going to be asked for, now and not later.
    func foresee(_ keys: Set<TaskKey>) throws
    /// Results under `key` that exist, newest first, wherever in the store they are.
    func results(of key: TaskKey) throws -> [StoredResult]
    /// The digest of a result's files; `nil` when there are none any more.
    func digest(of result: StoredResult) throws -> Digest?
    func fields(of key: TaskKey) throws -> [Manifest.Field]?
    /// The newest attempt of a task of this name, wherever its result is now.
    func latest(of task: String) throws -> Occupant?
    /// The same changes, with the files that their values stand for where that can be told.
    func explain(_ changes: [FieldChange]) throws -> [FieldChange]
    /// Whether another run's latest plan has a task of this name in this store.
    func isPlannedElsewhere(_ task: String) throws -> Bool
    /// Whether the code and the inputs of a task are what they were when the attempt started that nobody has checked, as
    /// far as can be told; if not, it is remembered that its result is not to be reused.
    func check(_ occupant: Occupant, of task: Int) throws -> Bool
}

extension PlanEvidence {
    public func foresee(_ keys: Set<TaskKey>) throws {}
}
