public import SaturnCore

/// What a run that had all its results stood on: the questions that its plan asked of the world, with their answers, the
/// `status` of each task, and a token that the ledger keeps until something of those results changes.
///
/// As long as all of that holds, planning again would find every task up to date, and nothing need be parsed, hashed or
/// read for it. Whatever does not hold, and whatever cannot be told, is left to a plan.
public struct Trace: Hashable, Sendable {
    public var run: String
    /// The results section of the run file.
    public var results: ComponentSpec
    /// The store's, as the results section led to it.
    public var location: String
    public var notes: [String]
    public var statuses: StatusList
    var project: String
    var token: [UInt8]
    var observations: [Observation]

    /// The names of the first `limit` tasks.
    public func names(limit: Int) -> [String] {
        var names: [String] = []
        _ = statuses.allSatisfy { name, _ in
            if names.count < limit { names.append(String(decoding: name, as: UTF8.self)) }
            return names.count < limit
        }
        return names
    }

    /// What a trace is held against.
    public struct Surroundings {
        var environment: [String: String]
        var code: any CodeSource
        var ledger: any Ledger
        var store: any ResultStore
        var project: String?

        public init(
            environment: [String: String], code: any CodeSource, ledger: any Ledger, store: any ResultStore,
            project: String?
        ) {
            self.environment = environment
            self.code = code
            self.ledger = ledger
            self.store = store
            self.project = project
        }
    }

    /// - Parameter notes: whether the notes are to be right as well.
    public func holds(in surroundings: Surroundings, notes: Bool) -> Bool {
        guard project == surroundings.project, location == surroundings.store.location,
            (try? surroundings.ledger.trace(of: run)) == token
        else { return false }
        let world = World(environment: surroundings.environment, code: surroundings.code)
        let digests = ContentDigests(ledger: surroundings.ledger)
        return observations.allSatisfy { !notes && $0.isOfNotes || $0.holds(in: world, digests) }
            && (try? surroundings.store.stand(statuses)) == true
    }
}

extension Trace {
    /// Of a run that has just ended with `attempts` in the folders of its tasks; `nil` when not all that its plan depends on
    /// is known.
    init?(_ preparation: Preparation, attempts: [Int: AttemptID], token: [UInt8]) throws {
        guard let project = preparation.project, let seen = preparation.compilation.observations,
            let results = try Self.results(preparation, attempts),
            let statuses = try Self.statuses(preparation, attempts)
        else { return nil }
        self.init(
            run: preparation.run, results: preparation.spec.results, location: preparation.store.location,
            notes: preparation.plan.notes, statuses: statuses, project: project, token: token,
            observations: seen + results)
    }

    /// Of tasks that others need: the digests that are in the keys of those.
    private static func results(
        _ preparation: Preparation, _ attempts: [Int: AttemptID]
    ) throws -> [Observation]? {
        var found: [Observation] = []
        // Elsewhere nobody changes a result but by putting another in its place.
        guard !preparation.store.isRemote else { return [] }
        for task in preparation.graph.nodes.indices where !preparation.graph.nodes[task].dependents.isEmpty {
            let place = ResultPlace.standing(task: preparation.graph.nodes[task].name)
            guard let attempt = attempts[task],
                let digest = preparation.evidence.known(digestOf: attempt)
            else { return nil }
            found.append(.results(preparation.store.folder(of: place) + "/results", digest))
        }
        return found
    }

    private static func statuses(_ preparation: Preparation, _ attempts: [Int: AttemptID]) throws -> StatusList? {
        let stamps = try stamps(preparation, attempts)
        var list = StatusList()
        list.reserveCapacity(stamps.count)
        for task in stamps.indices {
            guard let stamp = stamps[task] else { return nil }
            list.append(preparation.graph.nodes[task].name, stamp)
        }
        return list
    }

    /// By task. Of what was up to date the plan knows them; of the rest the ledger does, which is asked for a few by their
    /// ids.
    private static func stamps(_ preparation: Preparation, _ attempts: [Int: AttemptID]) throws -> [FileStamp?] {
        let nodes = preparation.graph.nodes
        var stamps = [FileStamp?](repeating: nil, count: nodes.count)
        for task in nodes.indices where preparation.plan.decisions[task]?.action == .reuse {
            let record = preparation.evidence.recorded(nodes[task].name)
            if record?.id == attempts[task] { stamps[task] = record?.stamp }
        }
        let others = nodes.indices.filter { stamps[$0] == nil }
        let ids = others.compactMap { attempts[$0] }
        let few = try ids.count <= 100 ? preparation.ledger.attempts(ids) : nil
        var all = StandingRecords(
            few == nil ? try preparation.ledger.standingByName(in: preparation.store.location) : [])
        for task in others {
            let record =
                few.map { records in attempts[task].flatMap { records[$0] } } ?? all.record(of: nodes[task].name)
            guard let record, record.id == attempts[task], record.place == .standing, record.state == .success,
                record.reusable || preparation.plan.decisions[task]?.action == .reuse
            else { continue }
            stamps[task] = record.stamp
        }
        return stamps
    }
}
