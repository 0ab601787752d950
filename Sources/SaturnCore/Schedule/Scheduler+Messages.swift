/// What the scheduler is told of, and what it tells to do.
extension Scheduler {
    /// What the scheduler knows of a task.
    public struct Item: Sendable {
        public var needs: [Int]
        public var priority: Int
        public var retries: Retries
        /// Seconds.
        public var timeout: Double?
        /// Of ``Options/demands``.
        public var demand: Demands.Kind
        /// `waiting` for one that is to run, else what the plan settled.
        public var state: TaskState
        /// Whether it runs is decided when its needs are met: their results may be the ones that it has used before.
        public var isUndecided: Bool

        public init(
            needs: [Int] = [], priority: Int = 0, retries: Retries = Retries(), timeout: Double? = nil,
            demand: Demands.Kind = .none, state: TaskState = .waiting, isUndecided: Bool = false
        ) {
            self.needs = needs
            self.priority = priority
            self.retries = retries
            self.timeout = timeout
            self.demand = demand
            self.state = state
            self.isUndecided = isUndecided
        }
    }

    public struct Options: Sendable {
        /// How many attempts may be with the executor at once.
        public var slots: Int
        /// Failed tasks after which nothing more is started.
        public var maxFailures: Int?
        /// Seconds between asking an attempt to end and ending it.
        public var grace: Double
        public var demands: Demands

        public init(slots: Int, maxFailures: Int? = nil, grace: Double = 5, demands: Demands = Demands()) {
            self.slots = slots
            self.maxFailures = maxFailures
            self.grace = grace
            self.demands = demands
        }
    }

    public enum Event: Sendable {
        case begin
        /// `ready` when it has to run, else how it got its result: `reused` or `restored`.
        case decided(task: Int, TaskState)
        /// `since` is by the clock of ``handle(_:at:)``.
        case started(task: Int, since: Int64)
        /// The engine runs it from its beginning again: when, is yet to be heard.
        case begunAnew(task: Int)
        case exited(task: Int, Exit)
        /// Its result is kept, complete.
        case published(task: Int)
        /// Its result could not be kept.
        case unpublished(task: Int, String)
        case beat
        /// Start nothing more; what runs goes on to its end.
        case drain
        /// Start nothing more and end what runs.
        case stop
        /// End what runs now.
        case kill
    }

    public enum Action: Hashable, Sendable {
        /// The needs of these are met; each is to be answered by ``Event/decided(task:_:)``.
        case decide([Int])
        case launch(task: Int, number: Int, Share = Share())
        case cancel(task: Int, force: Bool)
        /// Another attempt follows, after so many seconds at the earliest.
        case retry(task: Int, Cause, after: Double = 0)
        case publish(task: Int, Outcome)
        case settle(task: Int, TaskState, Cause?)
        case block(task: Int, by: Int)
    }

    /// What an attempt gets of the machine, where that is counted.
    public struct Share: Hashable, Sendable {
        /// The lowest number that no other running task has.
        public var slot: Int?
        /// Indices of ``Capacity/gpus``.
        public var gpus: [Int] = []
        /// Which entry of ``Resources/memory`` counts.
        public var step = 0

        public init(slot: Int? = nil, gpus: [Int] = [], step: Int = 0) {
            self.slot = slot
            self.gpus = gpus
            self.step = step
        }
    }
}
