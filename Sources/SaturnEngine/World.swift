import CSystem
import Glibc
import SaturnCore

/// What compiling a run asks of the world beside its run file.
///
/// Every question is asked once, and kept with its answer: where a later saturn gets the same answers to all of them, the
/// keys are the same too (see ``Trace``). Code and contents are asked for by way of ``Sources``.
final class World {
    private struct Matching: Hashable {
        var pattern: String
        var folder: String
    }

    private struct Cover: Hashable {
        var path: String
        var root: String
    }

    /// A folder that commands name files in.
    private final class Words {
        let folder: String
        let names: Set<String>
        /// By word of a command.
        var isFile: [String: Bool] = [:]

        init(_ folder: String) {
            self.folder = folder
            names = Set((try? FileBytes.names(in: folder)) ?? [])
        }

        func all(_ areFiles: Bool) -> [String] { isFile.filter { $0.value == areFiles }.keys.sorted() }
    }

    private let environment: [String: String]
    private let code: any CodeSource
    private var variables: [String: Digest?] = [:]
    private var isSet: [String: Bool] = [:]
    private var folders: [String: String?] = [:]
    private var matches: [Matching: [String]] = [:]
    private var repositories: [String: (any CodeRepository)?] = [:]
    private var covers: [Cover: Bool] = [:]
    private var words: [String: Words] = [:]
    /// Those of the last command that was looked into: most tasks run in one folder.
    private var lastWords: Words?
    private var untracked: [Observation] = []
    /// As many words of commands are worth keeping: beyond that there is no trace.
    private static let wordLimit = 1 << 18
    private var wordCount = 0
    private var hasFailed = false

    init(environment: [String: String], code: any CodeSource) {
        self.environment = environment
        self.code = code
    }

    /// The questions and their answers; `nil` when there were too many, or one had no answer.
    var observations: [Observation]? {
        guard wordCount <= Self.wordLimit, !hasFailed else { return nil }
        var seen: [Observation] = [.machine(Self.machine)]
        seen += variables.map { .variable($0, $1) } + isSet.map { .isSet($0, $1) }
        seen += folders.map { .folder($0, $1) }
        seen += matches.map { .matches(pattern: $0.pattern, folder: $0.folder, $1) }
        seen += repositories.map { .repository(folder: $0, root: $1?.root) }
        seen += covers.map { .covers(path: $0.path, root: $0.root, $1) }
        return seen + untracked + words.map { .words(folder: $0, files: $1.all(true), others: $1.all(false)) }
    }

    /// What an executor may refuse a task by: "cores bytes".
    static var machine: String {
        "\(csystem_usable_cpus()) \(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))"
    }

    /// A variable of the caller's, whose value counts.
    func variable(_ name: String) -> String? {
        let value = environment[name]
        if variables[name] == nil { variables[name] = .some(value.map { Digest(of: $0.utf8) }) }
        return value
    }

    /// Of one whose value does not count.
    func hasVariable(_ name: String) -> Bool {
        if let known = isSet[name] { return known }
        let found = environment[name] != nil
        isSet[name] = found
        return found
    }

    /// Links resolved; `nil` when it is no folder.
    func folder(_ path: String) -> String? {
        if let known = folders[path] { return known }
        var status = stat()
        var found: String?
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { found = FileBytes.realPath(path) }
        folders[path] = .some(found)
        return found
    }

    func matches(_ pattern: String, in folder: String) -> [String] {
        let matching = Matching(pattern: pattern, folder: folder)
        if let known = matches[matching] { return known }
        let found = InputPattern.matches(pattern, in: folder)
        matches[matching] = found
        return found
    }

    func repository(containing folder: String) throws -> (any CodeRepository)? {
        if let known = repositories[folder] { return known }
        do {
            let found = try code.repository(containing: folder)
            repositories[folder] = .some(found)
            return found
        } catch {
            hasFailed = true
            throw error
        }
    }

    /// Files that git does not track, so many of them as are worth a note.
    func untracked(in selection: CodeSelection, of repository: any CodeRepository) throws -> [String] {
        let found = try repository.untracked(in: selection, limit: 100)
        untracked.append(.untracked(root: repository.root, selection, found))
        return found
    }

    /// Whether git covers the file that `path` leads to.
    func covers(_ path: String, by repository: any CodeRepository) throws -> Bool {
        let cover = Cover(path: path, root: repository.root)
        if let known = covers[cover] { return known }
        var isCovered = false
        if let real = FileBytes.realPath(path) {
            isCovered = try CodeReader.relative(real, to: repository.root).map(repository.tracks) ?? false
        }
        covers[cover] = isCovered
        return isCovered
    }

    /// Whether a word of a command is a file under `folder`.
    func isFile(_ word: String, in folder: String) -> Bool {
        guard let first = word.utf8.first, first != UInt8(ascii: "-") else { return false }
        let words = words(in: folder)
        if let known = words.isFile[word] { return known }
        let found = isThere(word, among: words)
        wordCount += 1
        if wordCount <= Self.wordLimit { words.isFile[word] = found }
        return found
    }

    private func words(in folder: String) -> Words {
        if let lastWords, lastWords.folder == folder { return lastWords }
        let found = words[folder] ?? Words(folder)
        words[folder] = found
        lastWords = found
        return found
    }

    private func isThere(_ word: String, among words: Words) -> Bool {
        guard word.utf8.contains(UInt8(ascii: "/")) || words.names.contains(word) else { return false }
        guard !word.hasPrefix("/") || CodeReader.relative(word, to: words.folder) != nil else { return false }
        var status = stat()
        return stat(CodeReader.path(word, in: words.folder), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
