import Glibc

/// A control group with a bound on the memory of the processes in it.
final class Cgroup {
    /// To be written to by who wants to be in it.
    let processes: Int32
    private let path: String
    private let events: Int32
    private var hasGone = false

    /// - Parameter limit: bytes.
    init?(_ path: String, limit: Int, isUnified: Bool) {
        guard mkdir(path, 0o755) == 0 else { return nil }
        self.path = path
        let (bounds, wishes, news) =
            isUnified
            ? (("memory.max", limit), [("memory.swap.max", 0), ("memory.oom.group", 1)], "memory.events")
            : (("memory.limit_in_bytes", limit), [("memory.memsw.limit_in_bytes", limit)], "memory.oom_control")
        processes = open(path + "/cgroup.procs", O_WRONLY | O_CLOEXEC)
        events = open(path + "/" + news, O_RDONLY | O_CLOEXEC)
        guard Self.set(path, bounds), processes >= 0, events >= 0, count != nil else { return nil }
        // Not every kernel counts what is swapped.
        for wish in wishes { _ = Self.set(path, wish) }
    }

    deinit {
        for descriptor in [processes, events] where descriptor >= 0 { close(descriptor) }
        if !hasGone { rmdir(path) }
    }

    /// Whether the kernel has ended a process in it for want of memory.
    var isExceeded: Bool { count ?? 0 > 0 }

    /// `false` while the kernel does not let it go.
    func remove() -> Bool {
        hasGone = rmdir(path) == 0 || errno == ENOENT
        return hasGone
    }

    private var count: Int? {
        var bytes = [UInt8](repeating: 0, count: 512)
        let size = pread(events, &bytes, bytes.count, 0)
        guard size > 0 else { return nil }
        let lines = String(decoding: bytes[..<size], as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix("oom_kill ") }.flatMap { Int($0.dropFirst(9)) }
    }

    private static func set(_ path: String, _ value: (file: String, number: Int)) -> Bool {
        let file = open(path + "/" + value.file, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        let text = "\(value.number)"
        return write(file, text, text.utf8.count) == text.utf8.count
    }
}
