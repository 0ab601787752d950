public import SaturnCore
import Synchronization

/// Version-controlled code whose trees a test sets.
///
/// ```swift
/// let code = ManualCode()
/// code.set("tree-1", at: space.folder, tracking: ["train.py"])
/// ```
public final class ManualCode: CodeSource {
    private struct Repository {
        var state: CodeState
        var tracked: Set<String>
        var stamps: [String: FileStamp]
        var exclusions: [[String]] = []
        var narrowed: [[String]: CodeState] = [:]
        var untracked: [String] = []
        var differences: [FileChange]?
        /// What was compared, `tree of commit a → b`.
        var comparisons: [String] = []
    }

    private enum Entry {
        case repository(Repository)
        case refusal(Failure)
    }

    private let entries = Mutex<[String: Entry]>([:])

    public init() {}

    /// There is a repository at `root`, last changed at that time, whose files `tracked` (relative to it) git covers.
    public func set(
        _ tree: String, at root: String, commit: String? = nil, dirty: Bool = false, tracking tracked: Set<String> = [],
        changed: Timestamp? = nil, differences: [FileChange]? = nil
    ) {
        let state = CodeState(tree: tree, provenance: Provenance(commit: commit, dirty: dirty))
        entries.withLock {
            $0[root] = .repository(
                Repository(
                    state: state, tracked: tracked, stamps: ["code": Self.stamp(changed)], differences: differences))
        }
    }

    private static func stamp(_ time: Timestamp?) -> FileStamp {
        let time = (time?.microseconds ?? 0) * 1000
        return FileStamp(inode: 1, size: 1, modified: time, changed: time)
    }

    /// Somebody writes the file `name` of the repository at `root`, which leaves its tree as it is.
    public func touch(_ name: String, at root: String, _ time: Timestamp) {
        change(root) { $0.stamps[name] = Self.stamp(time) }
    }

    /// The tree of the files that `pathspecs` (sorted) cover in the repository at `root`; those at the positions
    /// `unmatched` cover none.
    public func narrow(_ pathspecs: [String], to tree: String, at root: String, unmatched: [Int] = []) {
        change(root) { repository in
            var state = CodeState(tree: tree, provenance: repository.state.provenance)
            state.unmatched = unmatched
            repository.narrowed[pathspecs] = state
        }
    }

    /// Files in the repository at `root` that git does not track.
    public func leave(_ untracked: [String], at root: String) { change(root) { $0.untracked = untracked } }

    private func change(_ root: String, _ body: (inout Repository) -> Void) {
        entries.withLock { entries in
            guard case .repository(var repository) = entries[root] else { return }
            body(&repository)
            entries[root] = .repository(repository)
        }
    }

    /// There is a repository at `root` that git refuses to read.
    public func refuse(_ failure: Failure, at root: String) {
        entries.withLock { $0[root] = .refusal(failure) }
    }

    /// What every look at the repository at `root` left out, in order.
    public func exclusions(at root: String) -> [[String]] {
        if case .repository(let repository) = entries.withLock({ $0[root] }) { repository.exclusions } else { [] }
    }

    /// The commits that were compared of the repository at `root`, as "old → new", in order.
    public func comparisons(at root: String) -> [String] {
        if case .repository(let repository) = entries.withLock({ $0[root] }) { repository.comparisons } else { [] }
    }

    fileprivate func differences(from old: CodeDetail, to new: CodeDetail, at root: String) -> [FileChange]? {
        entries.withLock { entries in
            guard case .repository(var repository) = entries[root] else { return nil }
            repository.comparisons.append("\(old.commit ?? "none") → \(new.commit ?? "none")")
            entries[root] = .repository(repository)
            return repository.differences
        }
    }

    public func repository(containing folder: String) throws -> (any CodeRepository)? {
        let found = entries.withLock { entries in
            entries.filter { folder == $0.key || folder.hasPrefix($0.key + "/") }.max { $0.key.count < $1.key.count }
        }
        switch found?.value {
        case .repository: return ManualRepository(code: self, root: found?.key ?? folder)
        case .refusal(let failure): throw failure
        case nil: return nil
        }
    }

    fileprivate func stamps(at root: String) -> [String: FileStamp] {
        if case .repository(let repository) = entries.withLock({ $0[root] }) { repository.stamps } else { [:] }
    }

    fileprivate func tracks(_ path: String, at root: String) -> Bool {
        if case .repository(let repository) = entries.withLock({ $0[root] }) {
            repository.tracked.contains(path)
        } else {
            false
        }
    }

    fileprivate func state(of selection: CodeSelection, at root: String) throws -> CodeState {
        try entries.withLock { entries in
            guard case .repository(var repository) = entries[root] else {
                throw Failure(.usage, "there is no repository at \(root)")
            }
            repository.exclusions.append(selection.excluded)
            entries[root] = .repository(repository)
            guard let pathspecs = selection.pathspecs else { return repository.state }
            guard let state = repository.narrowed[pathspecs] else {
                throw Failure(.fault, "nobody said what \(pathspecs) cover")
            }
            return state
        }
    }

    fileprivate func untracked(at root: String) -> [String] {
        if case .repository(let repository) = entries.withLock({ $0[root] }) { repository.untracked } else { [] }
    }
}

private final class ManualRepository: CodeRepository {
    let code: ManualCode
    let root: String

    init(code: ManualCode, root: String) {
        self.code = code
        self.root = root
    }

    func tracks(_ path: String) throws -> Bool { code.tracks(path, at: root) }
    func state(of selection: CodeSelection) throws -> CodeState { try code.state(of: selection, at: root) }
    func stamps(in selection: CodeSelection) throws -> [String: FileStamp] { code.stamps(at: root) }
    func untracked(in selection: CodeSelection, limit: Int) throws -> [String] {
        Array(code.untracked(at: root).prefix(limit))
    }
    func differences(
        from old: CodeDetail, to new: CodeDetail, in selection: CodeSelection
    ) throws -> [FileChange]? { code.differences(from: old, to: new, at: root) }
    func copy(_ selection: CodeSelection, to folder: String) throws -> CodeState {
        throw Failure(.fault, "there are no files to copy")
    }
}
