/// Files and folders that do not count, as a trie of path components.
///
/// Paths are bytes: Swift's strings would call two spellings of `é` one name, git does not.
struct ExcludedPaths {
    /// This path and everything below it is excluded.
    private(set) var isExcluded = false
    private var below: [ArraySlice<UInt8>: ExcludedPaths] = [:]

    /// Paths that leave the root exclude nothing; the root itself (`.`) excludes everything.
    init(_ paths: [String]) {
        for path in paths {
            if let components = RelativePath.components(of: path) { insert(components[...]) }
        }
    }

    private init() {}

    var isEmpty: Bool { !isExcluded && below.isEmpty }

    /// What is excluded inside the entry `name` of this folder, itself included.
    subscript(name: ArraySlice<UInt8>) -> ExcludedPaths? { below[name] }

    func covers(_ path: [UInt8]) -> Bool {
        var here = self
        var rest = path[...]
        while !here.isExcluded {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            guard end > rest.startIndex, let next = here.below[rest[..<end]] else { return false }
            here = next
            rest = rest[end...].dropFirst()
        }
        return true
    }

    /// It is excluded, or something below it is.
    func concerns(_ path: [UInt8]) -> Bool {
        var here = self
        for name in path.split(separator: UInt8(ascii: "/")) where !here.isExcluded {
            guard let next = here.below[name] else { return false }
            here = next
        }
        return true
    }

    private mutating func insert(_ components: ArraySlice<ArraySlice<UInt8>>) {
        guard let name = components.first else {
            isExcluded = true
            return
        }
        below[name, default: ExcludedPaths()].insert(components.dropFirst())
    }
}
