import Glibc
import SaturnCore
import SaturnEngine
import SaturnLedger
import SaturnStores

/// Where the logs of a run's tasks are: on this machine, or in a bucket.
///
/// ```swift
/// let shelf = try LogShelf(view, tasks, state)
/// if case .file(let fd, _)? = try shelf.open(task, attempt: nil) { … }
/// ```
struct LogShelf: Sendable {
    /// Those whose logs are wanted, in the order of the run file.
    let tasks: [TaskRecord]
    private let store: any ResultStore
    let bucket: S3Results?
    /// Attempts of this run that another run has superseded in their task's folder.
    private let inAttic: [AttemptID: TaskKey]
    /// The store's folder, held open as long as the process lives: the way to it is gone once and not for every task.
    private let root: Int32

    init(_ view: RunView, _ tasks: [TaskRecord], _ state: StateFolder) throws {
        self.tasks = tasks
        store = try BuiltInStore.at(view.record.location, state)
        bucket = store as? S3Results
        let attempts = try SQLiteLedger(reading: state.ledger).attempts(tasks.compactMap(\.attempt))
        inAttic = attempts.filter { $0.value.place == .attic }.mapValues(\.key)
        root = Glibc.open(store.workplace, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    enum Log {
        /// Open, to be closed; of so many bytes.
        case file(Int32, size: Int)
        case bucket(BucketLog)
    }

    var isOne: Bool { tasks.count == 1 }

    /// Whether this run has something to do with what stands in the task's folder.
    static func hasLog(_ task: TaskRecord) -> Bool {
        task.attempt != nil || task.state == .running || task.isBetweenAttempts
    }

    func place(of task: TaskRecord) -> ResultPlace {
        guard let attempt = task.attempt, let key = inAttic[attempt] else { return .standing(task: task.name) }
        return .attic(key: key, attempt: attempt)
    }

    func folder(of task: TaskRecord) -> String { store.folder(of: place(of: task)) }

    /// - Parameter attempt: 1, 2 …; without it the last one.
    /// - Returns: `nil` where there is none.
    func open(_ task: TaskRecord, attempt: Int?) throws -> Log? {
        // What another run has left is seen by who asks for this one task.
        guard isOne || Self.hasLog(task) else { return nil }
        let place = place(of: task)
        let folder = place == .standing(task: task.name) && root >= 0 ? task.name : store.folder(of: place)
        var size = 0
        let fd =
            attempt.map { openLog($0, in: folder, &size) } ?? LogReader.open(folder + "/log", in: root, size: &size)
        if fd >= 0 { return .file(fd, size: size) }
        guard let bucket, attempt == nil || !hasFile(folder) else { return nil }
        let attempts = try bucket.loggedAttempts(at: place)
        let index = (attempt ?? attempts.count) - 1
        guard attempts.indices.contains(index) else { return nil }
        return .bucket(BucketLog(bucket: bucket, place: place, attempt: attempts[index]))
    }

    private func hasFile(_ folder: String) -> Bool { faccessat(root, folder + "/log", F_OK, 0) == 0 }

    /// The numbers of the attempts whose logs there are.
    private func attempts(of task: TaskRecord) throws -> [Int] {
        let folder = folder(of: task)
        if let bucket, !hasFile(folder) { return try bucket.loggedAttempts(at: place(of: task)).indices.map { $0 + 1 } }
        var count = 0
        while access("\(folder)/log.\(count + 1)", F_OK) == 0 { count += 1 }
        return hasFile(folder) ? Array(1...count + 1) : Array(1..<count + 1)
    }

    /// The last one's is the file `log`, and has no number.
    private func openLog(_ attempt: Int, in folder: String, _ size: inout Int) -> Int32 {
        let fd = LogReader.open("\(folder)/log.\(attempt)", in: root, size: &size)
        guard fd < 0, attempt == 1 || faccessat(root, "\(folder)/log.\(attempt - 1)", F_OK, 0) == 0 else { return fd }
        return LogReader.open(folder + "/log", in: root, size: &size)
    }
}

extension LogShelf {
    /// Says that tasks have no log; an error when that is so of all.
    func report(missing: [TaskRecord], attempt: Int?) throws {
        guard let first = missing.first else { return }
        let what = attempt.map { "attempt \($0)" } ?? "log"
        guard missing.count == tasks.count else {
            let tasks = "\(missing.count) of \(tasks.count) tasks \(missing.count == 1 ? "has" : "have")"
            return Output.error("saturn: \(tasks) no \(what)\n")
        }
        let hint = "saturn status shows how it stands"
        guard isOne else {
            let what = attempt.map { "an attempt \($0)" } ?? "a log"
            throw Failure(.usage, "none of the \(tasks.count) tasks has \(what)", hint: hint)
        }
        let attempts = try attempts(of: first)
        throw Failure(
            .usage, "task '\(first.name)' has no \(attempts.isEmpty ? "log" : what)",
            hint: attempts.isEmpty ? hint : Self.words(attempts.count))
    }

    private static func words(_ attempts: Int) -> String {
        guard attempts > 1 else { return "it has had only one" }
        return "there are \((1..<attempts).map { "\($0)" }.joined(separator: ", ")) and \(attempts)"
    }
}
