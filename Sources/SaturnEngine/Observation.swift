import SaturnCore

/// A question that a plan asked of the world, and the answer that it got.
enum Observation: Hashable {
    /// Its value's digest; `nil` when it is not set.
    case variable(String, Digest?)
    case isSet(String, Bool)
    case machine(String)
    /// The program that planned.
    case program(FileStamp)
    /// The run file and its like.
    case file(String, Digest)
    /// Where a path leads to; `nil` when it is no folder.
    case folder(String, String?)
    case matches(pattern: String, folder: String, [String])
    /// Of inputs and scripts, what links lead to included.
    case content(String, Digest)
    /// Of the results that other tasks need.
    case results(String, Digest)
    case repository(folder: String, root: String?)
    /// The commit only where it counts.
    case code(root: String, CodeSelection, tree: String, commit: String?)
    case covers(path: String, root: String, Bool)
    /// Words of commands, as far as they were looked at.
    case words(folder: String, files: [String], others: [String])
    /// Files that git does not track: what a plan has notes of, and no key counts.
    case untracked(root: String, CodeSelection, [String])
}

extension Observation {
    /// Only what is shown of a plan depends on it, and not what it decides.
    var isOfNotes: Bool { if case .untracked = self { true } else { false } }

    /// What cannot be looked at now is not as it was.
    func holds(in world: World, _ digests: ContentDigests) -> Bool {
        switch self {
        case .variable(let name, let value): world.variable(name).map { Digest(of: $0.utf8) } == value
        case .isSet(let name, let isSet): world.hasVariable(name) == isSet
        case .machine(let machine): World.machine == machine
        case .program(let stamp): TraceFile.program == stamp
        case .file(let path, let digest): (try? FileBytes.digest(of: path)) == digest
        case .folder(let path, let real): world.folder(path) == real
        case .matches(let pattern, let folder, let names): world.matches(pattern, in: folder) == names
        case .content(let path, let digest): (try? digests.digest(of: path, followsLinks: true)) == digest
        case .results(let path, let digest): (try? digests.digest(of: path)) == digest
        case .words(let folder, let files, let others):
            files.allSatisfy { world.isFile($0, in: folder) } && !others.contains { world.isFile($0, in: folder) }
        case .repository, .code, .covers, .untracked: (try? holds(inGitOf: world)) ?? false
        }
    }

    private func holds(inGitOf world: World) throws -> Bool {
        switch self {
        case .repository(let folder, let root): return try world.repository(containing: folder)?.root == root
        case .code(let root, let selection, let tree, let commit):
            guard let state = try world.repository(containing: root)?.state(of: selection) else { return false }
            return state.tree == tree && (commit == nil || state.provenance.commit == commit)
        case .covers(let path, let root, let isCovered):
            return try world.repository(containing: root).map { try world.covers(path, by: $0) } == isCovered
        case .untracked(let root, let selection, let paths):
            return try world.repository(containing: root).map { try world.untracked(in: selection, of: $0) } == paths
        default: return false
        }
    }
}
