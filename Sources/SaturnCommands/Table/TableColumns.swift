import SaturnCore

/// The columns of a run's table, as they turn up: those that every table has, the parameters of the sweeps, and what the
/// tasks have measured.
///
/// A name that is taken already gets something before it: of a parameter `state` the column is `state`, that of the task's
/// state `task.state`, that of a metric of that name `metrics.state`.
struct TableColumns {
    enum Attribute: String, CaseIterable {
        case state, cause, duration, commit
    }

    private(set) var names: [String] = ["task"]
    private var parameters: [String: Int] = [:]
    private var metrics: [String: Int] = [:]
    private var taken: Set<[UInt8]> = [Array("task".utf8)]
    private(set) var first: Int = 1

    /// - Parameter parameters: of the tasks, in order.
    init(_ parameters: some Sequence<[Variable]>) {
        for variable in parameters.joined() where self.parameters[variable.name] == nil {
            // What a sweep calls so is beside the name of the task itself.
            self.parameters[variable.name] = add(variable.name, prefix: "sweep.")
        }
        first = names.count
        for attribute in Attribute.allCases { _ = add(attribute.rawValue, prefix: "task.") }
    }

    func column(_ attribute: Attribute) -> Int { first + (Attribute.allCases.firstIndex(of: attribute) ?? 0) }
    func column(parameter: String) -> Int? { parameters[parameter] }

    mutating func column(metric: String) -> Int {
        if let column = metrics[metric] { return column }
        let column = add(metric, prefix: "metrics.")
        metrics[metric] = column
        return column
    }

    private mutating func add(_ name: String, prefix: String) -> Int {
        var name = name
        while !taken.insert(Array(name.utf8)).inserted { name = prefix + name }
        names.append(name)
        return names.count - 1
    }
}
