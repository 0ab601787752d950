import FoundationEssentials
import Glibc
import SaturnCore

/// What is known of a cluster and of the attempts that are there: one Job each.
///
/// All that is asked of the cluster is a ``KubectlCall``; one look at a time at all of the run's Jobs and pods says how they
/// are, and what comes of each comes by a call of its own.
final class KubernetesSession: RemoteSession {
    var phase = RemotePhase.connecting
    var failure: Failure?
    var known: Set<String> = []
    var lastNews: Int64 = 0
    var hasRemovedRun = false

    let cluster: KubernetesCluster
    let folder: RemoteFolder
    let slots: Int
    let manifest: JobManifest
    let syncs: [SyncListing]
    var calls: [KubectlCall] = []
    var events: [ExecutorEvent] = []
    /// By id: what the cluster has, or is about to get.
    var attempts: [String: PodAttempt] = [:]
    /// Names of Jobs by attempt, of those too that have ended.
    var jobs: [String: String] = [:]
    var waiting = LaunchQueue()
    /// Those that wait for the end of what they come instead of.
    var held: [(launch: Launch, since: Int64)] = []
    /// To be gone on with after a look.
    var pendingCancels: [(id: AttemptID, how: RemoteCancel, since: Int64)] = []

    // What is asked at the moment.
    var isSubmitting = false
    var submitAfter: Int64 = 0
    /// What the cluster was given, by an earlier saturn too.
    var secrets = SecretNames()
    var isLooking = false
    var nextLook: Int64 = 0
    var superfluous = Superfluous()
    /// Attempts of which all has been fetched.
    private var fetched: Set<String> = []
    var isDeleting = false
    var leaving: RemoteLeave?
    var leavingSince: Int64 = 0
    /// How much there still was of the run, the last time that it got less, and when that was.
    var (leftCount, leftSince): (Int, Int64) = (.max, 0)
    var removals = 0
    /// Pods were given a second to end.
    var hasShortened = false
    /// Since when the cluster has not answered.
    var awaySince: Int64?
    var hasSaidAway = false
    /// What people were told, so that it is told once.
    var said: Set<String> = []
    var nextSearch: Int64 = 0

    static let second: Int64 = 1_000_000_000
    /// Without an answer, before people are told of it.
    static let patience = 10 * second

    init(_ cluster: KubernetesCluster, folder: RemoteFolder, slots: Int) throws {
        self.cluster = cluster
        self.folder = folder
        self.slots = slots
        manifest = JobManifest(cluster: cluster, id: folder.id)
        syncs = try cluster.syncs.map { try SyncListing($0, without: cluster.ownFolders) }
        try connect()
    }

    deinit { for call in calls { call.end() } }

    var selector: String { "\(ClusterNames.run)=\(folder.id)" }

    // MARK: Calls

    var descriptors: [pollfd] { calls.flatMap(\.descriptors) }
    var patience: Int32 { phase == .leaving ? 100 : 250 }

    func take(_ ready: ArraySlice<pollfd>) {
        let changed = ready.filter { $0.revents != 0 }
        // A call that ends may begin others, and other descriptors may have its numbers then.
        for call in calls {
            let own = Set(call.descriptors.map(\.fd))
            for descriptor in changed where own.contains(descriptor.fd) { call.take(descriptor) }
        }
        calls.removeAll(where: \.isOver)
        if phase == .over { return endCalls() }
        beat()
    }

    @discardableResult
    func call(
        _ arguments: [String], isShort: Bool = true, source: (() throws -> [UInt8]?)? = nil,
        reader: ((UnsafeRawBufferPointer) -> Void)? = nil, ended: @escaping (KubectlCall.Outcome) -> Void
    ) -> KubectlCall? {
        do {
            let words = try cluster.kubectl.words(arguments, isShort: isShort)
            let call = try KubectlCall(words, cluster.kubectl, source: source, reader: reader, ended: ended)
            if isShort { call.deadline = Clocks.uptime() + Self.patience }
            calls.append(call)
            return call
        } catch {
            fail(error)
            return nil
        }
    }

    /// Gives it something to read, once.
    static func once(_ bytes: [UInt8]) -> () -> [UInt8]? {
        var rest: [UInt8]? = bytes
        return {
            defer { rest = nil }
            return rest
        }
    }

    func endCalls() {
        for call in calls { call.end() }
        calls = []
    }

    /// Nothing will be heard of what it ran any more.
    func fail(_ error: any Error) {
        guard phase != .over else { return }
        let failure = error as? Failure ?? Failure(.fault, "\(error)")
        if phase == .connecting { self.failure = failure } else { events.append(.fatal(failure)) }
        phase = .over
    }

    func attempt(_ body: () throws -> Void) {
        do { try body() } catch { fail(error) }
    }

    /// Once, however many tasks it is true of; one of them is named.
    func say(_ words: String, about attempt: PodAttempt? = nil) {
        guard said.insert(words).inserted else { return }
        events.append(.notice(attempt.map { "'\($0.filler.task)': \(words)" } ?? words))
    }

    static func objects(_ output: [UInt8]) throws -> [ClusterObject] {
        do { return try JSONDecoder().decode(ClusterObjects.self, from: Data(output)).items } catch {
            throw Failure(.engine, "kubectl says what is not understood: \(error)")
        }
    }

    // MARK: What is asked

    func fill() {
        guard phase == .ready, !isSubmitting, !waiting.isEmpty, Clocks.uptime() >= submitAfter else { return }
        var new: [PodAttempt] = []
        while attempts.count + held.count < slots, new.count < 100, let launch = waiting.takeFirst() {
            if hold(launch) { continue }
            if let attempt = take(launch) { new.append(attempt) }
        }
        if !new.isEmpty { submit(new) }
    }

    /// Returns it when the cluster does not have it.
    func take(_ launch: Launch) -> PodAttempt? {
        let id = launch.attempt.description
        let isEarlier = known.contains(id)
        var launch = launch
        if isEarlier, !launch.secrets.isEmpty { launch.secrets += secrets.values.values.map { Variable("", $0) } }
        let name = ClusterNames.job(run: cluster.run.name, task: launch.workspace.task, attempt: launch.attempt)
        let attempt = PodAttempt(launch, job: jobs[id] ?? name, isEarlier: isEarlier)
        jobs[id] = attempt.job
        attempts[id] = attempt
        nextLook = 0
        return isEarlier ? nil : attempt
    }

    /// They go in front of what waits.
    func putBack(_ launches: [Launch]) {
        for launch in launches { attempts[launch.attempt.description] = nil }
        waiting.putBack(launches)
    }

    func release(_ list: [AttemptID]) {
        for id in list { if let job = jobs.removeValue(forKey: id.description) { discard(id.description, job) } }
    }

    /// The Job of an attempt, and with that its pod, can go.
    func discard(_ id: String, _ job: String) {
        superfluous.add(.init(attempt: id, job: job, isFetched: fetched.contains(id)))
    }

    func leave(_ how: RemoteLeave) {
        guard phase == .ready else { return }
        phase = .leaving
        leaving = how
        leavingSince = Clocks.uptime()
        waiting.putBack(held.map(\.launch))
        held = []
        cancelWaiting()
    }

    // MARK: What comes of it

    func end(_ attempt: PodAttempt, _ exit: Exit) {
        attempt.fetch?.end()
        attempt.fetch = nil
        try? attempt.finishLog()
        tellStart(attempt)
        if attempt.isComplete { fetched.insert(attempt.id.description) }
        let left = attempt.filler.leftOut
        if let first = left.first { sayLeftOut(of: attempt.filler.task, first, left.count) }
        attempts[attempt.id.description] = nil
        events.append(.exited(attempt.id, exit, seconds: attempt.report?.seconds))
    }

    func tellStart(_ attempt: PodAttempt) {
        guard let start = attempt.start, !attempt.isStartTold else { return }
        attempt.isStartTold = true
        var details = [Variable("pod", attempt.pod?.name ?? attempt.job)]
        if let image = attempt.pod?.imageID { details.append(Variable("image_id", image)) }
        events.append(.started(attempt.id, at: start.time, uptime: start.uptime, details: details))
    }

    func abandon() {
        endCalls()
        guard case .terminate = leaving else { return }
        for attempt in attempts.values {
            tellStart(attempt)
            events.append(.exited(attempt.id, hasBegun(attempt) ? .signal(SIGKILL) : .cancelled))
        }
        attempts = [:]
    }

    private func beat() {
        let now = Clocks.uptime()
        noteSilence(now)
        if phase == .leaving { return leaveFurther(now) }
        guard phase == .ready else { return }
        if !attempts.isEmpty || !held.isEmpty, !isLooking, now >= nextLook { look() }
        for attempt in Array(attempts.values) { follow(attempt, now) }
        if now >= nextSearch { searchForReasons(now) }
        removeSuperfluous()
    }
}
