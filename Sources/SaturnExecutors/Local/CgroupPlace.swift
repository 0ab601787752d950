import Glibc

/// The control group that bounds the memory of this process, among the files of the kernel.
struct CgroupPlace {
    let path: String
    /// Where its hierarchy is mounted.
    let top: String
    /// The second version of the interface.
    let isUnified: Bool

    /// `nil` where there is none to be seen.
    static var own: CgroupPlace? {
        let groups = lines("/proc/self/cgroup").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        let places = lines("/proc/self/mountinfo").compactMap(Mount.init).compactMap { mount -> CgroupPlace? in
            guard let group = groups.first(where: { $0.count == 3 && mount.has($0[1]) }),
                let path = mount.path(of: String(group[2]))
            else { return nil }
            return CgroupPlace(path: path, top: mount.point, isUnified: mount.isUnified)
        }
        // Where both are mounted, the second is without the means that the first has.
        return places.first { !$0.isUnified } ?? places.first
    }

    /// Bytes that it and those around it leave to this process; `nil` is without a bound.
    var bound: Int? {
        guard isUnified else {
            let name = "hierarchical_memory_limit "
            let line = Self.lines(path + "/memory.stat").first { $0.hasPrefix(name) }
            return line.flatMap { Int($0.dropFirst(name.count)) }
        }
        var bounds: [Int] = []
        var folder = path[...]
        while folder.count >= top.count {
            bounds += Self.lines(folder + "/memory.max").compactMap { Int($0) }
            guard let slash = folder.lastIndex(of: "/") else { break }
            folder = folder[..<slash]
        }
        return bounds.min()
    }

    /// Where groups with bounds of their own can be made, if that is allowed.
    var baseForLimits: String? {
        guard isUnified else { return path }
        // A task's own group is no place: what it starts would be beside it, and not within its bounds.
        guard let slash = path.lastIndex(of: "/"), path.count > top.count, !path[slash...].hasPrefix("/saturn-"),
            case let parent = String(path[..<slash]),
            Self.lines(parent + "/cgroup.subtree_control").contains(where: {
                $0.split(separator: " ").contains("memory")
            })
        else { return nil }
        return parent
    }

    private static func lines(_ path: some StringProtocol) -> [Substring] {
        String(decoding: ProcFile(String(path)).bytes(), as: UTF8.self).split(separator: "\n")
    }
}

/// One line of `/proc/self/mountinfo` that is of control groups which bound memory.
private struct Mount {
    /// What of the hierarchy is mounted.
    var root: String
    var point: String
    var isUnified: Bool

    init?(_ line: Substring) {
        let words = line.split(separator: " ")
        guard let dash = words.firstIndex(of: "-"), dash > 5, words.count > dash + 3 else { return nil }
        (root, point, isUnified) = (String(words[3]), String(words[4]), words[dash + 1] == "cgroup2")
        guard isUnified || words[dash + 1] == "cgroup" && words[dash + 3].split(separator: ",").contains("memory")
        else { return nil }
    }

    /// - Parameter controllers: of a line of `/proc/self/cgroup`.
    func has(_ controllers: Substring) -> Bool {
        isUnified ? controllers.isEmpty : controllers.split(separator: ",").contains("memory")
    }

    /// Where a group is among the files.
    func path(of group: String) -> String? {
        if root == "/" { return group == "/" ? point : point + group }
        guard group == root || group.hasPrefix(root + "/") else { return nil }
        return point + group.dropFirst(root.count)
    }
}
