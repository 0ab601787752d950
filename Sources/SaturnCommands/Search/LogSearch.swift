import CSystem
import Dispatch
import Glibc
import SaturnCore
import SaturnStores
import Synchronization

/// Searches the logs of tasks, several at once, and prints what it finds in the order of the tasks.
struct LogSearch: Sendable {
    let shelf: LogShelf
    /// 1, 2 …; without it the last one's.
    let attempt: Int?
    let expression: Expression

    /// Whether anything was found. Throws where there is no log to search.
    func run(onlyNames: Bool) throws -> Bool {
        let output = OrderedOutput()
        try search(output, onlyNames)
        let hasFound = try output.end()
        if !output.hasLog { try shelf.report(missing: shelf.tasks, attempt: attempt) }
        return hasFound
    }

    private func search(_ output: OrderedOutput, _ onlyNames: Bool) throws {
        // Results in a bucket are waited for, and not the processors.
        if let bucket = shelf.bucket {
            try bucket.inParallel(shelf.tasks.count) { index in
                // Not thrown: others may wait for this one's turn to be over.
                do { try Searcher(self, output, onlyNames: onlyNames).search(index) } catch {
                    output.fail(error, at: index)
                }
            }
            return
        }
        let next = Atomic(0)
        let cores = max(1, min(Int(csystem_usable_cpus()), shelf.tasks.count))
        DispatchQueue.concurrentPerform(iterations: cores) { _ in
            let searcher = Result { try Searcher(self, output, onlyNames: onlyNames) }
            while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < shelf.tasks.count {
                switch searcher {
                case .success(let searcher): searcher.search(index)
                case .failure(let error): output.fail(error, at: index)
                }
            }
        }
    }
}

/// Searches logs one after another; for one thread.
private final class Searcher {
    private let search: LogSearch
    private let output: OrderedOutput
    private let onlyNames: Bool
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private let style = Style.out
    private let matcher: Matcher
    private var buffer: [UInt8] = []
    /// What is found from this many bytes on is not kept until its turn comes.
    private static let much = 1 << 20

    init(_ search: LogSearch, _ output: OrderedOutput, onlyNames: Bool) throws {
        self.search = search
        self.output = output
        self.onlyNames = onlyNames
        matcher = try Matcher(search.expression)
    }

    func search(_ index: Int) {
        do { output.finish(try output.isOver(index) ? [] : find(index), at: index) } catch {
            output.fail(error, at: index)
        }
    }

    private func find(_ index: Int) throws -> [UInt8] {
        let task = search.shelf.tasks[index]
        guard let log = try search.shelf.open(task, attempt: search.attempt) else { return [] }
        output.noteLog()
        switch log {
        case .file(let fd, let size):
            defer { close(fd) }
            return try find(task.name, index, fd, size)
        case .bucket(let log):
            let file = try TemporaryFile("log")
            defer { file.close() }
            var size: Int64 = 0
            for chunk in try log.chunks() {
                try log.fetch(chunk, into: file.descriptor, at: size)
                size += chunk.size
            }
            lseek(file.descriptor, 0, SEEK_SET)
            return try find(task.name, index, file.descriptor, Int(size))
        }
    }

    private func find(_ task: String, _ index: Int, _ fd: Int32, _ size: Int) throws -> [UInt8] {
        let line = FoundLine(of: task, style: style, isTerminal: isTerminal)
        var text: [UInt8] = []
        var lines = LineSearch(matcher) { [self] number, bytes in
            guard !onlyNames else {
                text = line.name
                return false
            }
            try line.append(number, bytes, to: &text, matcher)
            guard text.count > Self.much else { return true }
            defer { text = [] }
            return output.add(text, at: index)
        }
        do { try lines.search(fd, size: size, buffer: &buffer) } catch let failure as Failure {
            throw Failure(failure.kind, "\(failure.message) in the log of '\(task)'", hint: failure.hint)
        }
        return text
    }
}
