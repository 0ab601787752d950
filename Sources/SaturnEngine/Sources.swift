import Glibc
import SaturnCore

/// What a run is made from and may change under it: the code of each repository, and files that count by content.
///
/// Each is looked at when the graph is compiled, and can be looked at again to see whether it is still the same.
final class Sources {
    struct Repository {
        var root: String
        var selection: CodeSelection
        var state: CodeState

        var detail: CodeDetail {
            var detail = state.detail
            detail.pathspecs = selection.pathspecs ?? []
            return detail
        }
    }

    struct Content {
        var path: String
        var digest: Digest
    }

    enum Source {
        case repository(Repository)
        case content(Content)
    }

    private let code: any CodeSource
    private let digests: ContentDigests
    private var all: [Source] = []
    private var lastChanges: [Int: Int64] = [:]
    /// Of sources that tasks use: the files as they were at the last look.
    private var marks: [Int: FileStamps] = [:]
    private var contentIndices: [String: Int] = [:]
    /// Repositories, by their tree.
    private var treeIndices: [String: Int] = [:]
    /// Repositories whose commit counts, and not only their tree.
    private var withCommit: Set<Int> = []

    init(code: any CodeSource, digests: ContentDigests) {
        self.code = code
        self.digests = digests
    }

    func add(_ repository: Repository) -> Int {
        all.append(.repository(repository))
        // A snapshot may be of the same tree as a key.
        treeIndices[repository.state.tree] = treeIndices[repository.state.tree] ?? all.count - 1
        return all.count - 1
    }

    func countCommit(of source: Int) { withCommit.insert(source) }

    /// What was found of each.
    var observations: [Observation] {
        all.enumerated().map { index, source in
            switch source {
            case .repository(let repository):
                .code(
                    root: repository.root, repository.selection, tree: repository.state.tree,
                    commit: withCommit.contains(index) ? repository.state.provenance.commit : nil)
            case .content(let content): .content(content.path, content.digest)
            }
        }
    }

    /// What a value of a manifest stands for: the code of a tree, the files of a folder.
    func detail(of value: String) -> [UInt8]? {
        if let index = treeIndices[value], case .repository(let repository) = all[index] {
            return repository.detail.encoded
        }
        return digests.listing(of: value)
    }

    /// The files that made another tree of the code `old`; `nil` when git cannot tell.
    func differences(from old: CodeDetail, to tree: String) -> [FileChange]? {
        guard let index = treeIndices[tree], case .repository(let repository) = all[index],
            // What counts is another choice of files: no file need have changed.
            repository.detail.pathspecs == old.pathspecs,
            let opened = try? code.repository(containing: repository.root)
        else { return nil }
        return (try? opened.differences(from: old, to: repository.state.detail, in: repository.selection)) ?? nil
    }

    /// The digest of what is at `path`, and the source's number; `nil` when nothing is there.
    func content(_ path: String) throws -> (digest: Digest, source: Int)? {
        if let index = contentIndices[path], case .content(let content) = all[index] {
            return (content.digest, index)
        }
        guard let digest = try digests.digest(of: path, followsLinks: true) else { return nil }
        all.append(.content(Content(path: path, digest: digest)))
        contentIndices[path] = all.count - 1
        return (digest, all.count - 1)
    }

    /// How far the time that the kernel gives a file may be behind the clock: it is that of the last tick, of 1 to 10 ms,
    /// and the kernel lets a tick stall for five (nanoseconds).
    static let fileTimeLag: Int64 = 60_000_000

    /// Whether something in `sources` came or may have been changed after `time`, as the files' own times tell.
    func haveChanged(_ sources: [Int], since time: Timestamp) -> Bool {
        let limit = time.microseconds * 1000 - Self.fileTimeLag
        return sources.contains { index in
            lastChange(of: index) > limit
        }
    }

    private func lastChange(of index: Int) -> Int64 {
        if let known = lastChanges[index] { return known }
        // What cannot be read may be anything.
        let latest = stamps(of: index)?.lastChange ?? Int64.max
        lastChanges[index] = latest
        return latest
    }

    /// `nil` when that cannot be told.
    private func stamps(of index: Int) -> FileStamps? {
        switch all[index] {
        case .content(let content): FileStamps(at: content.path)
        case .repository(let repository):
            ((try? code.repository(containing: repository.root)) ?? nil).flatMap { stamps(of: repository, $0) }
        }
    }

    private func stamps(of repository: Repository, _ git: any CodeRepository) -> FileStamps? {
        (try? git.stamps(in: repository.selection)).map { FileStamps($0) }
    }

    /// From now on ``look(at:code:)`` tells whether the files of `sources` were written to.
    func mark(_ sources: [Int]) {
        for index in sources where marks[index] == nil { marks[index] = stamps(of: index) }
    }

    /// The absolute paths of what counts by content, as far as names tell.
    var contentPaths: Set<String> { Set(contentIndices.keys.map(Self.withoutDots)) }

    static func withoutDots(_ path: String) -> String {
        guard path.contains("/.") || path.contains("//") || path.hasSuffix("/") else { return path }
        var components: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = components.popLast() } else { components.append(part) }
        }
        return "/" + components.joined(separator: "/")
    }

    func repository(_ source: Int) -> Repository? {
        if case .repository(let repository) = all[source] { repository } else { nil }
    }

    /// What a look has found of a source.
    struct Finding {
        var source: Int
        /// In words.
        var what: String
        /// It is not what it was; else it was written to since the last look, and is what it was.
        var isChanged: Bool
    }

    /// Looks at `sources` again, and marks them anew.
    ///
    /// - Parameter looksAtCode: also at repositories, which takes longer than at files.
    func look(at sources: Set<Int>, code looksAtCode: Bool = true) -> [Finding] {
        // One look at the index serves all that is selected of a repository.
        var opened: [String: any CodeRepository] = [:]
        return sources.sorted().compactMap { index in
            switch all[index] {
            case .repository where !looksAtCode: return nil
            case .repository(let repository):
                let git = opened[repository.root] ?? (try? code.repository(containing: repository.root)) ?? nil
                opened[repository.root] = git
                return look(at: index, git.flatMap { stamps(of: repository, $0) }, "the code in \(repository.root)") {
                    change(of: repository, git)
                }
            case .content(let content):
                return look(at: index, FileStamps(at: content.path), content.path) {
                    let now = (try? digests.digest(of: content.path, followsLinks: true)) ?? nil
                    return now == content.digest ? nil : content.path
                }
            }
        }
    }

    /// - Parameter stamps: taken before the content is looked at: what is written after that moves them.
    private func look(at index: Int, _ stamps: FileStamps?, _ whole: String, change: () -> String?) -> Finding? {
        if let what = change() { return Finding(source: index, what: what, isChanged: true) }
        guard let mark = marks[index] else { return nil }
        marks[index] = stamps
        let written = stamps?.written(since: mark)
        guard written?.isEmpty != true else { return nil }
        return Finding(source: index, what: Self.words(written, orElse: whole), isChanged: false)
    }

    /// A few files by name, else the whole.
    private static func words(_ files: [String]?, orElse whole: String) -> String {
        files.flatMap { 1...3 ~= $0.count ? $0.joined(separator: ", ") : nil } ?? whole
    }

    /// What is not as it was, in words.
    private func change(of repository: Repository, _ git: (any CodeRepository)?) -> String? {
        let now = try? git?.state(of: repository.selection)
        if let now, now.tree == repository.state.tree { return nil }
        let files = try? now.flatMap {
            try git?.differences(from: repository.state.detail, to: $0.detail, in: repository.selection)
        }
        return Self.words(files?.map(\.path), orElse: "the code in \(repository.root)")
    }
}
