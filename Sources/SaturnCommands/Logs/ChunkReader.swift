import Glibc
import SaturnCore
import SaturnEngine
import SaturnStores

/// Copies a log to stdout that is in a bucket, chunk by chunk.
struct ChunkReader: LogSource {
    private let log: BucketLog
    /// A chunk may be as large as a disk, and what is read by people must be escaped in order.
    private let file: TemporaryFile
    private var reader: LogReader
    private var known = 0
    private var bytes: Int64 = 0
    private var tail: Int?
    /// When it looks again, in nanoseconds of uptime.
    private var nextLook: Int64 = 0

    /// - Parameter tail: So many lines of what is there at first.
    init(_ log: BucketLog, lines: LogLines, tail: Int?) throws {
        self.log = log
        self.tail = tail
        file = try TemporaryFile("log")
        reader = LogReader(file.descriptor, lines: lines)
    }

    mutating func copy(isLast: Bool) throws -> Bool {
        let time = SystemClock().uptime()
        guard isLast || time >= nextLook else { return true }
        // Chunks come every few minutes at most.
        nextLook = time + 5_000_000_000
        let chunks = try log.chunks()
        if let tail = tail.take() { return try copy(chunks, tail: tail) }
        for chunk in chunks.dropFirst(known) {
            try log.fetch(chunk, into: file.descriptor, at: bytes)
            bytes += chunk.size
            known += 1
            guard reader.copy() else { return false }
        }
        return true
    }

    private mutating func copy(_ chunks: [LogChunk], tail: Int) throws -> Bool {
        let start = try log.fetchTail(of: chunks, lines: tail, into: file.descriptor)
        (known, bytes) = (chunks.count, chunks.reduce(0) { $0 + $1.size })
        lseek(file.descriptor, off_t(start), SEEK_SET)
        return reader.copy()
    }

    @discardableResult
    mutating func finish() -> Bool { reader.finish() }
    mutating func close() { file.close() }
}

/// One attempt's log in a bucket.
struct BucketLog {
    let bucket: S3Results
    let place: ResultPlace
    let attempt: AttemptID

    func chunks() throws -> [LogChunk] { try bucket.logChunks(of: attempt, at: place) }

    func fetch(_ chunk: LogChunk, into descriptor: Int32, at offset: Int64) throws {
        try bucket.fetch(chunk, into: descriptor, at: offset)
    }

    /// Brings as many of the last chunks as the last lines take, each to its own place in the file.
    ///
    /// - Returns: Where those lines begin.
    func fetchTail(of chunks: [LogChunk], lines: Int, into descriptor: Int32) throws -> Int64 {
        let size = chunks.reduce(0) { $0 + $1.size }
        var offset = size
        for chunk in chunks.reversed() {
            offset -= chunk.size
            try fetch(chunk, into: descriptor, at: offset)
            if let start = LogTail.start(of: descriptor, size: size, lines: lines, downTo: offset) { return start }
        }
        return 0
    }
}
