import SaturnCore

/// Which of several tasks with equal manifests a task is: 0 for the first in the run file, then 1, 2 ….
///
/// Taken from the file and not from the order in which they run, so that one that is run again gets its own seed.
struct Replicas {
    private struct Group: Hashable {
        var manifest: Manifest
        var needs: [Int]
    }

    private var numbers: [Int]

    init(in graph: Graph) {
        var counts: [Group: Int] = [:]
        numbers = graph.nodes.map { node in
            let group = Group(manifest: node.manifest, needs: node.needs.sorted())
            defer { counts[group, default: 0] += 1 }
            return counts[group, default: 0]
        }
    }

    subscript(task: Int) -> Int { numbers[task] }
}
