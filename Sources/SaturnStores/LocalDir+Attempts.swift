import Glibc
public import SaturnCore

extension LocalDir: AttemptReading {
    public func read(
        _ file: String, of wanted: [WantedAttempt], limit: Int,
        _ take: @escaping @Sendable (Int, AttemptContent) -> Void
    ) throws {
        let queue = WorkQueue(width: max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
        // A task takes less time than to hand it to a thread.
        let step = 64
        try queue.parallel((wanted.count + step - 1) / step) { [self] part in
            for index in (part * step)..<min(wanted.count, (part + 1) * step) {
                if let content = content(wanted[index], file, limit) { take(index, content) }
            }
        }
        try queue.finish()
    }

    /// `nil` when it is not there.
    func content(_ wanted: WantedAttempt, _ file: String, _ limit: Int) -> AttemptContent? {
        for place in wanted.places {
            let folder = folder(of: place)
            guard let bytes = (try? Files.read(folder + "/events", limit: 1 << 20)) ?? nil,
                let events = EventLog(parsing: String(decoding: bytes, as: UTF8.self)), wanted.has(events)
            else { continue }
            return AttemptContent(events: events, file: Self.file("\(folder)/results/\(file)", limit))
        }
        return nil
    }

    /// A link that a task has made of it is followed.
    private static func file(_ path: String, _ limit: Int) -> AttemptContent.File {
        do {
            guard let bytes = try Files.read(path, limit: limit + 1, followsLinks: true) else {
                return try Files.exists(path) ? .unreadable("not a file") : .missing
            }
            return bytes.count > limit ? .tooLarge : .bytes(bytes)
        } catch { return .unreadable((error as? FileProblem)?.text ?? "\(error)") }
    }
}
