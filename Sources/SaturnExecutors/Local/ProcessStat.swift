import Glibc

/// What the kernel tells of a process in a line.
struct ProcessStat {
    var pid: pid_t
    var parent: pid_t
    var session: pid_t
    /// Ticks since the machine was started.
    var start: UInt64
    /// Bytes, those shared with others too.
    var resident: Int

    /// `nil` when there is no such process.
    init?(_ pid: pid_t) {
        let bytes = ProcFile("/proc/\(pid)/stat").bytes()
        // The name of the program, in parentheses, may have spaces and parentheses in it.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[end...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count > 22, let parent = pid_t(fields[2]), let session = pid_t(fields[4]),
            let start = UInt64(fields[20]), let pages = Int(fields[22])
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.session = session
        self.start = start
        resident = pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Of all processes.
    static func all() -> [ProcessStat] {
        (FolderNames.of("/proc") ?? []).compactMap { pid_t($0) }.compactMap(ProcessStat.init)
    }
}
