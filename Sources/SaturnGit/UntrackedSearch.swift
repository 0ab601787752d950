import CLibGit2
import Glibc
import SaturnCore

/// Finds files beside the tracked ones that git would add, without looking into folders of data.
///
///     var search = UntrackedSearch(of: handle, index: index, root: root, in: selection)
///     try search.files(limit: 10)     // ["lib/new.py", "notes/"]
///
/// As `git status` does it, a folder without tracked files is one entry, with a slash at the end. The work is bounded:
/// git is asked about so many names of each folder and of all, and what is beyond them is not told of.
struct UntrackedSearch {
    private let repository: OpaquePointer
    private let index: OpaquePointer
    private let root: [UInt8]
    private let selection: PathSelection
    /// Names that git may still be asked about: of all folders, and of this one.
    private var questions = 2000
    private var questionsHere = 0
    private var found: [[UInt8]] = []
    private var limit = 0

    init(of repository: OpaquePointer, index: OpaquePointer, root: String, in selection: CodeSelection) {
        self.repository = repository
        self.index = index
        self.root = Array(root.utf8)
        self.selection = PathSelection(selection)
    }

    mutating func files(limit: Int) throws -> [String] {
        self.limit = limit
        found = []
        // Those near the root first.
        var folders: [[UInt8]] = [[]]
        while !folders.isEmpty, found.count < limit { folders = folders.flatMap { look(in: $0) } }
        return found.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// - Parameter folder: one with tracked files; with a slash at the end, empty for the root.
    /// - Returns: the folders in it to be looked into.
    private mutating func look(in folder: [UInt8]) -> [[UInt8]] {
        questionsHere = min(questions, 300)
        var inside: [[UInt8]] = []
        for entry in entries(of: folder) {
            if found.count >= limit { return [] }
            let path = folder + entry.name
            guard !isTracked(path), !selection.excluded.covers(path) else { continue }
            if !entry.isFolder {
                if selection.isNamed(path), !isIgnored(path) { found.append(path) }
            } else if holdsTracked(path) || selection.excluded.concerns(path) {
                inside.append(path + [UInt8(ascii: "/")])
            } else if selection.isNamed(path + [UInt8(ascii: "/")], isFolder: true), holdsFile(path) {
                found.append(path + [UInt8(ascii: "/")])
            }
        }
        return inside
    }

    /// Something in the folder is not ignored: git has no word for a folder of ignored files.
    private mutating func holdsFile(_ folder: [UInt8]) -> Bool {
        let inside = folder + [UInt8(ascii: "/")]
        if isIgnored(inside) { return false }
        for entry in entries(of: inside) where questionsHere > 0 {
            let path = inside + entry.name
            if entry.isFolder ? holdsFile(path) : !isIgnored(path) { return true }
        }
        return false
    }

    private func isTracked(_ path: [UInt8]) -> Bool {
        path.withCString { git_index_find(nil, index, $0) == 0 }
    }

    private func holdsTracked(_ folder: [UInt8]) -> Bool {
        (folder + [UInt8(ascii: "/")]).withCString { git_index_find_prefix(nil, index, $0) == 0 }
    }

    /// True of names beyond those that may be asked about: many ignored files are the usual reason.
    private mutating func isIgnored(_ path: [UInt8]) -> Bool {
        guard questionsHere > 0 else { return true }
        questionsHere -= 1
        questions -= 1
        var ignored: Int32 = 0
        return path.withCString { git_ignore_path_is_ignored(&ignored, repository, $0) == 0 } && ignored != 0
    }

    // MARK: Folders

    private struct Entry {
        var name: [UInt8]
        var isFolder: Bool
    }

    /// Files, links and folders by name; nothing of a folder that cannot be read.
    private func entries(of folder: [UInt8]) -> [Entry] {
        guard let stream = (root + [UInt8(ascii: "/")] + folder).withCString({ opendir($0) }) else { return [] }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let raw = readdir(stream) {
            let name = withUnsafeBytes(of: &raw.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard !Self.ignored.contains(name) else { continue }
            switch Int(raw.pointee.d_type) {
            case DT_DIR: entries.append(Entry(name: name, isFolder: true))
            case DT_REG, DT_LNK: entries.append(Entry(name: name, isFolder: false))
            case DT_UNKNOWN: entries.append(Entry(name: name, isFolder: isFolder(folder + name)))
            default: continue
            }
        }
        return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    private func isFolder(_ path: [UInt8]) -> Bool {
        var status = stat()
        let result = (root + [UInt8(ascii: "/")] + path).withCString { lstat($0, &status) }
        return result == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// `__pycache__`: Python leaves it beside what it imports, and nobody means to track it.
    private static let ignored = Set([".", "..", ".git", "__pycache__"].map { Array($0.utf8) })
}
