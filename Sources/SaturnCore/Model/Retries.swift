/// How often an attempt that failed is followed by another one, and how soon.
public struct Retries: Hashable, Sendable {
    /// For whatever the task itself fails of, all together; what it loses by no fault of its own counts apart, as often.
    public var number = 0
    /// By cause, each counted apart, in place of the number.
    public var byCause: [Cause.Kind: Int]?
    /// Seconds before the first; each further one waits twice as long, up to ``longestDelay``.
    public var delay = 0.0

    public static let longestDelay = 3600.0

    public init(_ number: Int = 0, byCause: [Cause.Kind: Int]? = nil, delay: Double = 0) {
        self.number = number
        self.byCause = byCause
        self.delay = delay
    }

    /// Retries that a task has had.
    public struct Spent: Hashable, Sendable {
        private var counts: [Cause.Kind: Int] = [:]

        public init() {}

        public subscript(kind: Cause.Kind) -> Int { counts[kind, default: 0] }
        public var all: Int { counts.values.reduce(0, +) }
        /// After a fault that may have been the task's.
        public var own: Int { all - self[.lost] }

        public mutating func add(_ kind: Cause.Kind) { counts[kind, default: 0] += 1 }
    }

    /// Whether one more follows a failure of this kind.
    public func allow(_ kind: Cause.Kind, after spent: Spent) -> Bool {
        if let byCause { return spent[kind] < byCause[kind, default: 0] }
        return (kind == .lost ? spent[.lost] : spent.own) < number
    }

    /// Seconds before the attempt that follows `spent` others.
    public func delay(after spent: Spent) -> Double {
        var seconds = delay
        for _ in 0..<spent.all where seconds < Self.longestDelay { seconds *= 2 }
        return delay > Self.longestDelay ? delay : min(seconds, Self.longestDelay)
    }
}

extension Retries: ExpressibleByIntegerLiteral {
    public init(integerLiteral number: Int) { self.init(number) }
}
