import SaturnCore

/// Which of several tasks with equal manifests a task is: 0 for the first in the run file, then 1, 2 ….
///
/// Taken from the file and not from the order in which they run, so that one that is run again gets its own seed.
struct Replicas {
    private struct Group: Hashable {
        /// Of the manifest without the digests of what it needs.
        var key: TaskKey
        var needs: [Int]
    }

    private var numbers: [Int]

    init(in graph: Graph, _ plan: Plan) {
        var counts: [Group: Int] = [:]
        counts.reserveCapacity(graph.nodes.count)
        var coder = ManifestCoder()
        numbers = graph.nodes.indices.map { task in
            let needs = graph.nodes[task].needs
            let known = needs.isEmpty ? plan.decisions[task]?.key : nil
            let group = Group(key: known ?? coder.key(of: graph.nodes[task].manifest), needs: needs.sorted())
            let number = counts[group, default: 0]
            counts[group] = number + 1
            return number
        }
    }

    subscript(task: Int) -> Int { numbers[task] }
}
