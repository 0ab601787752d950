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
        let latest =
            switch all[index] {
            case .repository(let repository):
                // What cannot be read may be anything.
                (try? code.repository(containing: repository.root)?
                    .lastChange(in: repository.selection)) ?? Int64.max
            case .content(let content): FileBytes.lastChange(of: content.path)
            }
        lastChanges[index] = latest
        return latest
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

    /// Looks at `sources` again: those that are not what they were, with the words to say so.
    ///
    /// - Parameter code: also at repositories, which takes longer than at files.
    func changed(among sources: Set<Int>, code looksAtCode: Bool = true) -> [(source: Int, what: String)] {
        // One look at the index serves all that is selected of a repository.
        var opened: [String: any CodeRepository] = [:]
        return sources.sorted().compactMap { index in
            switch all[index] {
            case .repository where !looksAtCode: return nil
            case .repository(let repository):
                let git = opened[repository.root] ?? (try? code.repository(containing: repository.root)) ?? nil
                opened[repository.root] = git
                return change(of: repository, git).map { (index, $0) }
            case .content(let content):
                let now = (try? digests.digest(of: content.path, followsLinks: true)) ?? nil
                return now == content.digest ? nil : (index, content.path)
            }
        }
    }

    /// What is not as it was, in words: a few files by name, else the whole.
    private func change(of repository: Repository, _ git: (any CodeRepository)?) -> String? {
        let now = try? git?.state(of: repository.selection)
        if let now, now.tree == repository.state.tree { return nil }
        let files = try? now.flatMap {
            try git?.differences(from: repository.state.detail, to: $0.detail, in: repository.selection)
        }
        guard let files, 1...3 ~= files.count else { return "the code in \(repository.root)" }
        return files.map(\.path).joined(separator: ", ")
    }
}
