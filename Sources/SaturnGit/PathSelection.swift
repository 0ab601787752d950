import SaturnCore

/// A ``CodeSelection`` that can be asked about paths, and that notes which of its pathspecs cover something.
struct PathSelection {
    let excluded: ExcludedPaths
    private let pathspecs: [Pathspec]
    private let includes: [Int]
    private let excludes: [Int]
    /// Pathspecs that have covered nothing yet.
    private var open: Set<Int>

    init(_ selection: CodeSelection) {
        excluded = ExcludedPaths(selection.excluded)
        pathspecs = (selection.pathspecs ?? []).map { Pathspec($0) }
        includes = pathspecs.indices.filter { [pathspecs] in !pathspecs[$0].isExclude }
        excludes = pathspecs.indices.filter { [pathspecs] in pathspecs[$0].isExclude }
        open = Set(pathspecs.indices)
    }

    /// Not all that is not excluded is selected.
    var isNarrowed: Bool { !pathspecs.isEmpty }

    func covers(_ path: [UInt8], isFolder: Bool = false) -> Bool {
        !excluded.covers(path) && isNamed(path, isFolder: isFolder)
    }

    /// The same for a path that is known not to be excluded.
    func isNamed(_ path: [UInt8], isFolder: Bool = false) -> Bool {
        let isIn = includes.isEmpty || includes.contains { pathspecs[$0].covers(path, isFolder: isFolder) }
        return isIn && !excludes.contains { pathspecs[$0].covers(path, isFolder: isFolder) }
    }

    /// There is a file at `path`, which is not excluded.
    mutating func note(_ path: [UInt8], isFolder: Bool) {
        guard !open.isEmpty else { return }
        open = open.filter { !pathspecs[$0].covers(path, isFolder: isFolder) }
    }

    /// Pathspecs that covered no file. To take away what is not tracked, is saturn's own or may come one day is no
    /// mistake.
    ///
    /// - Parameter exists: whether there is something at a path.
    func unmatched(_ exists: ([UInt8]) -> Bool) -> [Int] {
        open.sorted().filter { index in
            guard pathspecs[index].isExclude, let path = pathspecs[index].path else { return true }
            return !pathspecs[index].isGlob && !excluded.concerns(path) && !exists(path)
        }
    }
}
