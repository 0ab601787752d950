import CLibGit2
import Glibc

/// What a file's status says of its content: while two stamps are equal, nobody has written to the file between them,
/// unless within one tick of the file system's clock.
struct FileStamp: Hashable {
    struct Moment: Hashable, Comparable {
        var seconds: Int
        var nanoseconds: Int

        init(_ time: timespec) {
            seconds = time.tv_sec
            nanoseconds = time.tv_nsec
        }

        static var now: Moment {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Moment(time)
        }

        static func < (left: Moment, right: Moment) -> Bool {
            (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
        }

        func adding(seconds: Int = 0, nanoseconds: Int = 0) -> Moment {
            var later = self
            later.seconds += seconds
            later.nanoseconds += nanoseconds
            if later.nanoseconds >= 1_000_000_000 {
                later.seconds += 1
                later.nanoseconds -= 1_000_000_000
            }
            return later
        }
    }

    var size: Int
    var modified: Moment
    var changed: Moment
    var inode: UInt

    init(_ status: stat) {
        size = status.st_size
        modified = Moment(status.st_mtim)
        changed = Moment(status.st_ctim)
        inode = UInt(status.st_ino)
    }

    /// The file was last touched so long before `moment` that a write since then must have changed the stamp,
    /// also where a file system counts in steps of two seconds.
    func isSettled(at moment: Moment) -> Bool {
        max(modified, changed).adding(seconds: 2) <= moment
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
        if modified.nanoseconds == 0 || written.nanoseconds == 0 { return modified.seconds >= written.seconds }
        return modified.adding(nanoseconds: 20_000_000) >= written
    }
}

extension FileStamp.Moment {
    /// An index records 32 bits of seconds, and other writers than git leave the fraction out.
    fileprivate func matches(_ recorded: git_index_time) -> Bool {
        Int32(truncatingIfNeeded: seconds) == recorded.seconds
            && (recorded.nanoseconds == 0 || Int(recorded.nanoseconds) == nanoseconds)
    }
}
