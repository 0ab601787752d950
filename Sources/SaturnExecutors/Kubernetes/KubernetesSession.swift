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
    private(set) var known: Set<String> = []
    /// Ids of other runs that this place has had.
    private var others: Set<String> = []
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
    private var waiting: [Launch] = []
    private var nextWaiting = 0

    // What is asked at the moment.
    var isSubmitting = false
    var submitAfter: Int64 = 0
    /// What the cluster was given, by an earlier saturn too.
    var secrets = SecretNames()
    var isLooking = false
    var nextLook: Int64 = 0
    /// Jobs that can go.
    var superfluous: [String] = []
    var isDeleting = false
    var leaving: RemoteLeave?
    var leavingSince: Int64 = 0
    /// Pods were given a second to end.
    var hasShortened = false
    /// Since when the cluster has not answered.
    var awaySince: Int64?
    var hasSaidAway = false
    /// What people were told, so that it is told once.
    var said: Set<String> = []
    var nextSearch: Int64 = 0

    static let second: Int64 = 1_000_000_000

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

    func takeEvents() -> [ExecutorEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

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

    func say(_ words: String) {
        if said.insert(words).inserted { events.append(.notice(words)) }
    }

    // MARK: To reach it

    private func connect() throws {
        var open = 4
        func answered() {
            open -= 1
            if open == 0, phase == .connecting { removeOthers() }
        }
        let home = cluster.run.home.isEmpty ? selector : "\(ClusterNames.home)=\(ClusterNames.home(cluster.run.home))"
        call(["get", "jobs", "-l", home, "-o", "json"]) { [unowned self] outcome in
            attempt {
                guard outcome.status == 0 else { throw KubectlProblem(outcome.words).failure }
                try findEarlier(outcome.output)
            }
            answered()
        }
        for question in [["create", "jobs"], ["delete", "jobs"], ["create", "pods", "--subresource=exec"]] {
            call(["auth", "can-i"] + question) { [unowned self] outcome in
                let answer = String(decoding: outcome.output, as: UTF8.self)
                if phase == .connecting, answer.hasPrefix("no") {
                    let what = question.count > 2 ? "execute programs in pods" : question.joined(separator: " ")
                    let place = cluster.kubectl.options.last { $0.hasPrefix("--namespace=") }?.dropFirst(12)
                    fail(
                        Failure(
                            .engine,
                            "the cluster does not allow you to \(what)"
                                + (place.map { " in the namespace '\($0)'" } ?? ""), hint: KubectlProblem.permissions))
                }
                answered()
            }
        }
        if phase == .over, let failure { throw failure }
    }

    private func findEarlier(_ output: [UInt8]) throws {
        for job in try Self.objects(output) {
            guard let run = job.label(ClusterNames.run) else { continue }
            if run != folder.id.description {
                others.insert(run)
            } else if let attempt = job.label(ClusterNames.attempt) {
                jobs[attempt] = job.metadata.name
                if job.metadata.deletionTimestamp == nil { known.insert(attempt) }
            }
        }
    }

    /// What earlier runs of the same place have left nobody knows any more.
    private func removeOthers() {
        guard !others.isEmpty else { return findSecrets() }
        let which = "\(ClusterNames.run) in (\(others.sorted().joined(separator: ",")))"
        call(["delete", "jobs,pods,secrets", "-l", which, "--grace-period=1", "--timeout=60s"], isShort: false) {
            [unowned self] outcome in
            if outcome.status != 0 {
                events.append(
                    .notice("an earlier run is not removed: \(KubectlProblem(outcome.words).failure.message)"))
            }
            findSecrets()
        }
    }

    /// The log of an attempt is masked by what it was given.
    private func findSecrets() {
        guard !known.isEmpty else { return phase = .ready }
        call(["get", "secret", manifest.secretName, "-o", "json", "--ignore-not-found"]) { [unowned self] outcome in
            struct Secret: Decodable { var data: [String: Data]? }
            if outcome.status == 0, let found = try? JSONDecoder().decode(Secret.self, from: Data(outcome.output)) {
                secrets = SecretNames((found.data ?? [:]).mapValues { String(decoding: $0, as: UTF8.self) })
            }
            if phase == .connecting { phase = .ready }
        }
    }

    func giveUp() {
        if phase == .connecting { fail(Failure(.engine, "interrupted while connecting to Kubernetes")) }
    }

    static func objects(_ output: [UInt8]) throws -> [ClusterObject] {
        do { return try JSONDecoder().decode(ClusterObjects.self, from: Data(output)).items } catch {
            throw Failure(.engine, "kubectl says what is not understood: \(error)")
        }
    }

    // MARK: What is asked

    func add(_ launches: [Launch]) {
        if phase == .leaving || phase == .over {
            events += launches.map { .exited($0.attempt, .cancelled) }
        } else {
            waiting += launches
        }
    }

    func fill() {
        guard phase == .ready, !isSubmitting, nextWaiting < waiting.count, Clocks.uptime() >= submitAfter else {
            return
        }
        var new: [PodAttempt] = []
        while nextWaiting < waiting.count, attempts.count < slots, new.count < 100 {
            let launch = waiting[nextWaiting]
            nextWaiting += 1
            if let attempt = take(launch) { new.append(attempt) }
        }
        if nextWaiting == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            nextWaiting = 0
        }
        if !new.isEmpty { submit(new) }
    }

    /// Returns it when the cluster does not have it.
    private func take(_ launch: Launch) -> PodAttempt? {
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
        waiting.insert(contentsOf: launches, at: nextWaiting)
    }

    func cancel(_ list: [AttemptID], _ how: RemoteCancel) {
        for id in list {
            if let index = waiting[nextWaiting...].firstIndex(where: { $0.attempt == id }) {
                let launch = waiting.remove(at: index)
                guard known.contains(id.description) else {
                    events.append(.exited(id, .cancelled))
                    continue
                }
                // It may have ended long ago: that is to be heard.
                _ = take(launch)
            }
            if let attempt = attempts[id.description] { cancel(attempt, how) }
        }
    }

    private func cancel(_ attempt: PodAttempt, _ how: RemoteCancel) {
        if attempt.report != nil || attempt.isOver { return }
        guard hasBegun(attempt) else {
            // It may have, since the last look.
            pendingCancels.append((attempt.id, how, Clocks.uptime()))
            nextLook = 0
            return
        }
        if how != .waiting { signal(attempt, how) }
    }

    /// Only its container knows whether the command has begun: what the cluster tells is a second old.
    private func signal(_ attempt: PodAttempt, _ how: RemoteCancel) {
        guard let pod = attempt.pod else { return }
        attempt.isCancelled = true
        let line =
            "[ -e \(ClusterNames.place)/started ] || kill -s TERM 1; kill -s \(how == .force ? "KILL" : "TERM") -- -1"
        let words = ["exec", pod.name, "-c", ClusterNames.task, "--", "sh", "-c", line]
        call(words) { [unowned self, weak attempt] outcome in
            guard outcome.status == 1, let attempt, attempts[attempt.id.description] === attempt, !hasBegun(attempt)
            else { return }
            // There is no container yet, or no cluster for a while.
            if how == .force, KubectlProblem(outcome.words).kind != .away { return withdraw(attempt) }
            pendingCancels.append((attempt.id, how, Clocks.uptime()))
        }
    }

    /// It has no place yet, and gets none.
    private func withdraw(_ attempt: PodAttempt) {
        superfluous.append(attempt.job)
        end(attempt, .cancelled)
    }

    /// To be gone on with after a look.
    var pendingCancels: [(id: AttemptID, how: RemoteCancel, since: Int64)] = []

    /// - Parameter since: when the cluster was asked what is known of it.
    func cancelPending(since: Int64) {
        let (ripe, rest) = (pendingCancels.filter { $0.since < since }, pendingCancels.filter { $0.since >= since })
        pendingCancels = rest
        for (id, how, _) in ripe {
            guard let attempt = attempts[id.description] else { continue }
            if attempt.pod?.isPlaced != true {
                withdraw(attempt)
            } else if how != .waiting {
                signal(attempt, how)
            }
        }
    }

    private func hasBegun(_ attempt: PodAttempt) -> Bool {
        if attempt.hasBegun { return true }
        switch attempt.pod?.verdict {
        case .running, .ended: return true
        default: return false
        }
    }

    func release(_ list: [AttemptID]) {
        for id in list { if let job = jobs.removeValue(forKey: id.description) { superfluous.append(job) } }
    }

    func leave(_ how: RemoteLeave) {
        guard phase == .ready else { return }
        phase = .leaving
        leaving = how
        leavingSince = Clocks.uptime()
        events += waiting[nextWaiting...].map { .exited($0.attempt, .cancelled) }
        waiting = []
        nextWaiting = 0
    }

    // MARK: What comes of it

    func end(_ attempt: PodAttempt, _ exit: Exit) {
        attempt.fetch?.end()
        attempt.fetch = nil
        try? attempt.finishLog()
        tellStart(attempt)
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
        if phase == .leaving { return leaveFurther(now) }
        guard phase == .ready else { return }
        if !attempts.isEmpty, !isLooking, now >= nextLook { look() }
        for attempt in Array(attempts.values) { follow(attempt, now) }
        if now >= nextSearch { searchForReasons(now) }
        removeSuperfluous()
    }
}
