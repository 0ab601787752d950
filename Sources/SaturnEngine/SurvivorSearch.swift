import CSystem
import Glibc
import SaturnCore

/// One look after another at the processes of this machine, for those of some tasks.
struct SurvivorSearch {
    /// The descriptor is the process's as no number is, which another may have by now.
    struct Found {
        var survivor: Survivor
        var pidfd: Int32
    }

    /// `nil` is all of the location.
    private let tasks: [[UInt8]: String]?
    private let location: [UInt8]
    private var attempts: Set<[UInt8]>
    private let spared: Set<pid_t>
    private let sparedAttempts: Set<[UInt8]>
    /// Without an environment, and in how many looks on end: one that is about to execute another program has none for a
    /// moment.
    private var bare: [pid_t: Int] = [:]
    /// Whether there are some that may still show whose they are.
    var isUnclear: Bool { bare.values.contains { $0 < 5 } }

    init(_ tasks: [String]?, _ attempts: [AttemptID], sparing spared: Set<AttemptID> = [], in location: String) {
        sparedAttempts = Set(spared.map { Array($0.description.utf8) })
        self.location = Array("\(location)/".utf8)
        self.tasks = tasks.map { tasks in
            Dictionary(
                tasks.map { (Array("\(location)/\($0)/results".utf8), $0) }, uniquingKeysWith: { first, _ in first })
        }
        self.attempts = Set(attempts.map { Array($0.description.utf8) })
        self.spared = Self.ownLine()
    }

    /// Those that are there now; whoever asks closes the descriptors.
    mutating func look() throws -> [Found] {
        var found: [Found] = []
        var bare: Set<pid_t> = []
        for name in try FileBytes.names(in: "/proc") {
            guard let pid = pid_t(name), !spared.contains(pid) else { continue }
            let pidfd = csystem_pidfd_open(pid)
            guard pidfd >= 0 else {
                guard errno == EMFILE || errno == ENFILE else { continue }
                // The next look finds the others.
                guard found.isEmpty else { break }
                throw Failure(
                    .engine, "cannot look for processes of an earlier run: \(String(cString: strerror(errno)))")
            }
            if let survivor = recognise(pid, &bare) {
                found.append(Found(survivor: survivor, pidfd: pidfd))
            } else {
                close(pidfd)
            }
        }
        self.bare = Dictionary(bare.map { ($0, (self.bare[$0] ?? 0) + 1) }, uniquingKeysWith: { first, _ in first })
        return found
    }

    private mutating func recognise(_ pid: pid_t, _ bare: inout Set<pid_t>) -> Survivor? {
        guard let environment = Self.bytes("/proc/\(pid)/environ") else { return nil }
        if environment.isEmpty {
            if Self.isProgram(pid) { bare.insert(pid) }
            return nil
        }
        var (task, ids, parents): (String?, [[UInt8]], [[UInt8]]) = (nil, [], [])
        for variable in environment.split(separator: 0) where variable.starts(with: "SATURN_".utf8) {
            if let value = Self.value("SATURN_RESULTS_DIR", of: variable) { task = self.task(of: value) }
            if let value = Self.value("SATURN_ATTEMPT_ID", of: variable) { ids = [value] }
            if let value = Self.value("SATURN_PARENTS", of: variable) {
                parents = value.split(separator: UInt8(ascii: " ")).map { Array($0) }
            }
        }
        guard sparedAttempts.isDisjoint(with: ids + parents) else { return nil }
        // Somebody may have set the folder by hand; the attempt's id is saturn's.
        if tasks == nil, ids.isEmpty { task = nil }
        guard task != nil || !attempts.isDisjoint(with: ids + parents), Self.isProgram(pid) else { return nil }
        if task != nil { attempts.formUnion(ids) }
        return Survivor(pid: pid, task: task)
    }

    private func task(of folder: [UInt8]) -> String? {
        if let tasks { return tasks[folder] }
        guard folder.starts(with: location), case let rest = folder.dropFirst(location.count).split(separator: 47),
            rest.count == 2, rest[1].elementsEqual("results".utf8)
        else { return nil }
        return String(decoding: rest[0], as: UTF8.self)
    }

    private static func value(_ name: String, of variable: ArraySlice<UInt8>) -> [UInt8]? {
        let rest = variable.dropFirst(name.utf8.count)
        guard rest.first == UInt8(ascii: "="), variable.starts(with: name.utf8) else { return nil }
        return Array(rest.dropFirst())
    }

    /// This process, and those that it comes from.
    private static func ownLine() -> Set<pid_t> {
        var line: Set<pid_t> = []
        var pid = getpid()
        while pid > 0, line.insert(pid).inserted { pid = fields(of: pid).dropFirst().first.flatMap { pid_t($0) } ?? 0 }
        return line
    }

    /// Neither ended, though not waited for by whoever should, nor a thread of the kernel: those write nothing.
    private static func isProgram(_ pid: pid_t) -> Bool {
        let fields = fields(of: pid)
        guard fields.count > 6, fields[0] != "Z", let flags = UInt32(fields[6]) else { return false }
        let isKernelThread = flags & 0x20_0000 != 0
        return !isKernelThread
    }

    /// What /proc/PID/stat says after the name: state, parent, group, session, terminal, its group, flags …
    private static func fields(of pid: pid_t) -> [Substring] {
        let text = String(decoding: bytes("/proc/\(pid)/stat") ?? [], as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return [] }
        return text[end...].dropFirst().split(separator: " ")
    }

    /// `nil` when it cannot be read: another user's, or gone.
    private static func bytes(_ path: String) -> [UInt8]? {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while case let count = read(fd, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
        return bytes
    }
}

/// A process that was ended.
public struct Survivor: Hashable, Sendable {
    public var pid: Int32
    /// The name of its task, where its environment says that.
    public var task: String?
}
