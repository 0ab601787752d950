import Glibc
import SaturnCore
import SaturnStores

/// Prints logs to stdout, one after another: that of one task as it is, those of several with the task in front of each
/// line.
struct LogPrinting {
    let shelf: LogShelf
    /// 1, 2 …; without it the last one.
    let attempt: Int?
    /// So many lines of each.
    let tail: Int?
    private let prefixes: LogPrefixes

    init(shelf: LogShelf, attempt: Int?, tail: Int?) {
        self.shelf = shelf
        self.attempt = attempt
        self.tail = tail
        prefixes = LogPrefixes(for: shelf.tasks.map(\.name))
    }

    func run() throws {
        var missing: [TaskRecord] = []
        for index in shelf.tasks.indices {
            guard var source = try source(index) else {
                missing.append(shelf.tasks[index])
                continue
            }
            defer { source.close() }
            guard try source.copy(isLast: true), source.finish() else { return }
        }
        try shelf.report(missing: missing, attempt: attempt)
    }

    /// - Parameters:
    ///   - record: What is known of the task now.
    ///   - isNew: It has begun since somebody follows: all of its attempts are to be seen, as far as they are here.
    /// - Returns: `nil` where there is no log.
    func source(_ index: Int, as record: TaskRecord? = nil, isNew: Bool = false) throws -> (any LogSource)? {
        let task = record ?? shelf.tasks[index]
        let lines = LogLines(prefix: shelf.isOne ? "" : prefixes.text(of: task.name, at: index))
        var log = try shelf.open(task, attempt: isNew ? 1 : attempt)
        if isNew, case .bucket = log { log = try shelf.open(task, attempt: nil) }
        switch log {
        case nil: return nil
        case .bucket(let log): return try ChunkReader(log, lines: lines, tail: isNew ? nil : tail)
        case .file(let fd, let size):
            if let tail, !isNew {
                lseek(fd, off_t(LogTail.start(of: fd, size: Int64(size), lines: tail) ?? 0), SEEK_SET)
            }
            let folder = attempt == nil ? shelf.folder(of: task) : nil
            return LogReader(fd, lines: lines, in: folder, task: shelf.isOne ? "" : task.name)
        }
    }
}
