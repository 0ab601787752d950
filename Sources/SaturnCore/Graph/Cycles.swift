/// The cycles of a graph: one path, the shortest from its first task, for each group of tasks that can reach each other.
///
/// Tarjan's algorithm with a path of its own instead of recursion: a chain may be as long as the file.
struct Cycles {
    private(set) var paths: [[Int]] = []

    private let nodes: [TaskNode]
    /// When a task was first seen; -1 before that.
    private var order: [Int]
    /// The earliest that is known to be reachable among those that belong to no group yet.
    private var lowest: [Int]
    private var isOpen: [Bool]
    private var open: [Int] = []
    private var path: [(task: Int, next: Int)] = []
    private var seen = 0

    init(in nodes: [TaskNode]) {
        self.nodes = nodes
        order = [Int](repeating: -1, count: nodes.count)
        lowest = order
        isOpen = [Bool](repeating: false, count: nodes.count)
        for start in nodes.indices where order[start] < 0 && !nodes[start].needs.isEmpty { search(from: start) }
        paths.sort { $0[0] < $1[0] }
    }

    private mutating func search(from start: Int) {
        enter(start)
        while let (task, next) = path.last {
            guard next < nodes[task].needs.count else {
                leave(task)
                continue
            }
            path[path.count - 1].next += 1
            let needed = nodes[task].needs[next]
            if order[needed] < 0 {
                enter(needed)
            } else if isOpen[needed] {
                lowest[task] = min(lowest[task], order[needed])
            }
        }
    }

    private mutating func enter(_ task: Int) {
        (order[task], lowest[task], isOpen[task]) = (seen, seen, true)
        seen += 1
        open.append(task)
        path.append((task, 0))
    }

    private mutating func leave(_ task: Int) {
        path.removeLast()
        if let parent = path.last?.task { lowest[parent] = min(lowest[parent], lowest[task]) }
        guard lowest[task] == order[task] else { return }
        var group: Set<Int> = []
        while let member = open.popLast() {
            isOpen[member] = false
            group.insert(member)
            if member == task { break }
        }
        if group.count > 1 || nodes[task].needs.contains(task) { paths.append(shortest(in: group)) }
    }

    /// From the first task of the file back to itself.
    private func shortest(in group: Set<Int>) -> [Int] {
        guard let start = group.min() else { return [] }
        var previous: [Int: Int] = [:]
        var queue = [start]
        var position = 0
        while position < queue.count {
            let task = queue[position]
            position += 1
            for needed in nodes[task].needs where group.contains(needed) {
                if needed == start { return Array(sequence(first: task) { previous[$0] }).reversed() }
                guard previous[needed] == nil else { continue }
                previous[needed] = task
                queue.append(needed)
            }
        }
        return [start]
    }
}
