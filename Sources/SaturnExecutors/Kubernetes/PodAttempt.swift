import SaturnCore

/// An attempt that is with the cluster, and what has come of it.
final class PodAttempt {
    let launch: Launch
    let job: String
    let filler: WorkspaceFiller
    private var mask: SecretMask?
    /// The cluster has its Job.
    var isMade: Bool
    /// An earlier saturn has submitted it: what came then comes again.
    let isEarlier: Bool
    /// When it was submitted, or found.
    let since = Clocks.uptime()
    var pod: PodState?
    /// How often in a row the cluster did not have its Job.
    var absences = 0
    /// When what makes it impossible was first seen.
    var doubtSince: Int64?

    // What is fetched.
    var fetch: KubectlCall?
    var stream = PodStream()
    var fetches = 0
    var fetchAfter: Int64 = 0
    /// When something came last.
    var heard: Int64 = 0
    private(set) var logSize: Int64 = 0
    private(set) var archiveSize: Int64 = 0
    private(set) var start: (time: Timestamp, uptime: Int64)?
    var isStartTold = false
    private(set) var report: PodReport?
    private(set) var isUnkept = false
    /// What comes is of a pod that was made instead of another one.
    private var isAnew = false
    /// All of it is here.
    var isComplete = false
    var completeSince: Int64 = 0
    /// It was asked to end, or not to begin.
    var isCancelled = false
    /// The container has ended without a word of its first process.
    var isOver = false
    /// Why its results cannot be kept.
    private(set) var spoiled: String?
    var isShipping = false
    var failedShipments = 0
    /// The Secret that it misses was made once more.
    var hasSecretAgain = false
    /// It has waited for longer than it may.
    var isGivenUp = false

    var id: AttemptID { launch.attempt }
    var limit: String { launch.resources?.memory(onStep: 0).map(Quantity.text) ?? "" }

    init(_ launch: Launch, job: String, isEarlier: Bool) {
        self.launch = launch
        self.job = job
        self.isEarlier = isEarlier
        isMade = isEarlier
        filler = WorkspaceFiller(launch, isShared: false)
        if !launch.secrets.isEmpty { mask = SecretMask(launch.secrets.map(\.value)) }
    }

    /// Whether its command has begun, as far as is known.
    var hasBegun: Bool { start != nil }

    /// By the cluster, in its middle: also when it then has ended with code 0, as programs do that keep a checkpoint.
    var wasMadeToEnd: Bool { report?.ending == .asked }
    var hasSucceeded: Bool { report?.code == 0 && report?.ending == .own }

    /// Throws a ``Failure`` when this machine's disk does not take what comes.
    func take(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        heard = Clocks.uptime()
        var wants = false
        do {
            try stream.feed(bytes) { part in
                if case .wants = part { wants = true } else { try take(part) }
            }
        } catch let problem as ArchiveProblem {
            if problem.isOfThisMachine {
                throw Failure(
                    .engine, "cannot write what came of '\(filler.task)': \(problem.text)",
                    hint: "it is kept where it ran: with room for it here, saturn run goes on")
            }
            spoiled = "its results cannot be unpacked: \(problem.text)"
        }
        return wants
    }

    private func take(_ part: PodStream.Part) throws {
        switch part {
        case .wants: break
        case .started(let time, let seconds):
            guard start == nil else { return }
            start = (Timestamp(microseconds: Int64(time * 1e6)), Clocks.uptime() - Int64(seconds * 1e9))
            if isAnew {
                try filler.beginAnew()
            } else if isEarlier {
                try filler.beginAgain()
            } else {
                try filler.begin()
            }
        case .log(let bytes):
            logSize += Int64(bytes.count)
            guard mask != nil else { return try filler.addToLog(bytes) }
            try add(mask?.feed(bytes) ?? [])
        case .ended(let report):
            self.report = report
            try finishLog()
        case .results(let bytes):
            guard spoiled == nil else { return }
            try filler.addToResults(bytes)
            archiveSize += Int64(bytes.count)
        case .unkept: isUnkept = true
        }
    }

    /// What may be the beginning of a secret is none.
    func finishLog() throws {
        try add(mask?.finish() ?? [])
    }

    private func add(_ bytes: [UInt8]) throws {
        if !bytes.isEmpty { try bytes.withUnsafeBytes { try filler.addToLog($0) } }
    }

    /// All that was sent has come.
    func finish() throws {
        if isUnkept {
            filler.removeResults()
        } else if spoiled == nil {
            try filler.finish()
        }
    }

    /// Its Job has made another pod, in which it runs from its beginning.
    func beginAnew() {
        fetch?.end()
        fetch = nil
        fetchAfter = 0
        (start, report, isStartTold, isUnkept, isOver, spoiled) = (nil, nil, false, false, false, nil)
        isComplete = false
        logSize = 0
        if mask != nil { mask = SecretMask(launch.secrets.map(\.value)) }
        isAnew = true
        forgetResults()
    }

    func forgetResults() {
        archiveSize = 0
        filler.forgetResults()
    }
}
