import SaturnCore
import SaturnStores

/// Copies a log to stdout that is in a bucket, chunk by chunk.
struct ChunkReader {
    let bucket: S3Results
    let place: ResultPlace
    /// In seconds: chunks come every few minutes at most.
    private static let pause: UInt64 = 5

    init(bucket: S3Results, place: ResultPlace) {
        self.bucket = bucket
        self.place = place
    }

    func copy(follows: Bool) async throws {
        guard let attempt = try bucket.runningAttempt(at: place) else {
            throw Failure(.usage, "there is no log in \(bucket.location)", hint: "saturn status shows how it stands")
        }
        // Through a file: a chunk may be as large as a disk, and what is read by people must be escaped in order.
        let file = try TemporaryFile("log")
        defer { file.close() }
        var reader = LogReader(descriptor: file.descriptor)
        var (known, bytes) = (0, Int64(0))
        while true {
            let isOver = try !follows || bucket.hasEnded(attempt, at: place)
            for chunk in try bucket.logChunks(of: attempt, at: place).dropFirst(known) {
                try bucket.fetch(chunk, into: file.descriptor, at: bytes)
                bytes += chunk.size
                known += 1
                guard reader.copy() else { return }
            }
            if isOver { break }
            try await Task.sleep(nanoseconds: Self.pause * 1_000_000_000)
        }
        reader.finish()
    }
}
