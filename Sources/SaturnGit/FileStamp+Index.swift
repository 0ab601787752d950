import CLibGit2
import Glibc
import SaturnCore

/// Nanoseconds since 1970. Times beyond the year 2262 wrap around: they still tell one stamp from another.
typealias Moment = Int64

extension Moment {
    static let second: Moment = 1_000_000_000

    init(_ time: timespec) { self = Moment(time.tv_sec) &* .second &+ Moment(time.tv_nsec) }

    static var now: Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Moment(time)
    }

    /// An index records 32 bits of seconds, and other writers than git leave the fraction out.
    fileprivate func matches(_ recorded: git_index_time) -> Bool {
        Int32(truncatingIfNeeded: self / .second) == recorded.seconds
            && (recorded.nanoseconds == 0 || Moment(recorded.nanoseconds) == self % .second)
    }
}

extension FileStamp {
    init(_ status: stat) {
        self.init(
            inode: UInt64(status.st_ino), size: Int64(status.st_size), modified: Moment(status.st_mtim),
            changed: Moment(status.st_ctim))
    }

    /// The file was last touched so long before `moment` that a write since then must have changed the stamp,
    /// also where a file system counts in steps of two seconds.
    func isSettled(at moment: Moment) -> Bool {
        max(modified, changed) <= moment - 2 * .second
    }

    /// The content is still what `entry` says, in an index that was itself written at `written`.
    func matches(_ entry: IndexEntry, ofIndexWritten written: Moment) -> Bool {
        entry.isTrustworthy
            && UInt32(truncatingIfNeeded: size) == entry.recorded.size
            && UInt32(truncatingIfNeeded: inode) == entry.recorded.inode
            && modified.matches(entry.recorded.modified) && changed.matches(entry.recorded.changed)
            && !isRacy(withIndexWritten: written)
    }

    /// The file was written at the same time as the index or later, so that its recorded stamp may be older than its
    /// content. 20 ms are two ticks of the slowest kernel clock; without a fraction the clock counts in seconds.
    func isRacy(withIndexWritten written: Moment) -> Bool {
        if modified % .second == 0 || written % .second == 0 { return modified / .second >= written / .second }
        return modified >= written - 20_000_000
    }
}
