import Glibc
import SaturnCore

/// What `file_syncs` ships to workers and no key counts: somebody who edits it would be given old results.
struct ShippedFiles {
    /// The run file's folder, with links resolved, as all paths here.
    let folder: String
    let repositories: [any CodeRepository]
    /// What counts by content.
    let inputs: Set<String>
    /// The run's own files and folders, which are not shipped or not read.
    let own: Set<String>
    private var visits = 0
    /// A plan has to stay quick.
    private static let mostVisits = 5000
    private static let leftOut: Set<String> = [".git", ".saturn", "__pycache__"]

    init(folder: String, repositories: [any CodeRepository], inputs: Set<String>, own: [String]) {
        self.folder = folder
        self.repositories = repositories
        self.inputs = Set(inputs.map { FileBytes.realPath($0) ?? $0 })
        self.own = Set(own.map { FileBytes.realPath($0) ?? $0 })
    }

    /// - Parameter sources: of folders, absolute.
    /// - Returns: relative to the run file where they are below its folder; a folder stands for all in it.
    mutating func uncounted(in sources: [String]) throws -> [String] {
        var found: [String] = []
        for source in sources { try FileBytes.realPath(source).map { try visit($0, &found) } }
        return Set(found).sorted().map { CodeReader.relative($0, to: folder) ?? $0 }.map { $0.isEmpty ? "." : $0 }
    }

    private mutating func visit(_ path: String, _ found: inout [String]) throws {
        visits += 1
        let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.index(after: $0)...]) } ?? path
        guard visits <= Self.mostVisits, !Self.leftOut.contains(name), !own.contains(path), !inputs.contains(path)
        else { return }
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let isCounted = try counts(path, isFolder: isFolder)
        guard isFolder, isCounted || inputs.contains(where: { $0.hasPrefix(path + "/") }) else {
            if !isCounted { found.append(path) }
            return
        }
        // One that cannot be read is not shipped either.
        for name in (try? FileBytes.names(in: path)) ?? [] { try visit("\(path)/\(name)", &found) }
    }

    /// Of a folder: something in it does.
    private func counts(_ path: String, isFolder: Bool) throws -> Bool {
        for repository in repositories {
            guard let inside = CodeReader.relative(path, to: repository.root) else { continue }
            if try inside.isEmpty || repository.tracks(isFolder ? inside + "/" : inside) { return true }
        }
        return false
    }
}
