import CLibGit2
import Glibc

/// One tracked path: a line of `git ls-files --stage`.
struct IndexEntry {
    /// The status that the file had when its content became `id`.
    struct Recorded {
        var changed: git_index_time
        var modified: git_index_time
        var inode: UInt32
        var size: UInt32
    }

    var path: [UInt8]
    var mode: UInt32
    var id: ObjectID
    var recorded: Recorded
    /// 0, or 1 to 3 for the sides of a conflict: up to three entries of one path.
    var stage: Int
    /// `git add -N`: tracked, with no content yet.
    var isIntentToAdd: Bool
    /// Assumed unchanged, or left out of a sparse checkout: git does not look at the file, nor do we.
    var isTakenAsRecorded: Bool

    init(_ entry: git_index_entry) {
        path = Array(UnsafeRawBufferPointer(start: entry.path, count: strlen(entry.path)))
        mode = entry.mode
        id = ObjectID(entry.id)
        recorded = Recorded(
            changed: entry.ctime, modified: entry.mtime, inode: entry.ino, size: entry.file_size)
        stage = Int(entry.flags & UInt16(GIT_INDEX_ENTRY_STAGEMASK)) >> Int(GIT_INDEX_ENTRY_STAGESHIFT)
        let extended = UInt32(entry.flags_extended)
        isIntentToAdd = extended & GIT_INDEX_ENTRY_INTENT_TO_ADD.rawValue != 0
        isTakenAsRecorded =
            extended & GIT_INDEX_ENTRY_SKIP_WORKTREE.rawValue != 0
            || UInt32(entry.flags) & GIT_INDEX_ENTRY_VALID.rawValue != 0
    }

    /// What git says it holds; `nil` where that is not settled.
    var file: TreeFile? { stage == 0 && !isIntentToAdd ? TreeFile(mode: mode, id: id) : nil }

    /// The path as text, for people.
    var name: String { String(decoding: path, as: UTF8.self) }

    /// `id` is the content that `recorded` describes.
    var isTrustworthy: Bool {
        // Git zeroes the size of entries that it found to be older than their files.
        stage == 0 && !isIntentToAdd && (recorded.size != 0 || id == .emptyBlob)
    }
}
