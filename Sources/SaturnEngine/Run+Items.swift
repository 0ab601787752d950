import SaturnCore

/// The tasks of a plan as the scheduler knows them.
extension Run {
    static func items(
        _ preparation: Preparation, _ capacity: Capacity?, _ options: Options
    ) -> (items: [Scheduler.Item], demands: Demands) {
        var demands = Demands(capacity)
        let nodes = preparation.graph.nodes
        let items = nodes.indices.map { index in
            let (decision, spec) = (preparation.plan.decisions[index], nodes[index].spec)
            return Scheduler.Item(
                needs: nodes[index].needs, priority: spec.priority,
                retries: options.retries.map { Retries($0, delay: spec.retries.delay) } ?? spec.retries,
                timeout: spec.timeout, demand: demands.kind(of: spec.resources),
                state: initialState(decision, earlier: options.earlier[nodes[index].name]?.state),
                isUndecided: decision?.isOpen ?? false)
        }
        return (items, demands)
    }

    /// - Parameter earlier: where the task was in the run that this one goes on with.
    private static func initialState(_ decision: Decision?, earlier: TaskState?) -> TaskState {
        switch decision?.action {
        case .run, .maybe, .blocked: .waiting
        // Whatever that run had not found, it has made, also when it died before it could say so.
        case .reuse: [nil, .reused, .restored, .excluded].contains(earlier) ? .reused : .succeeded
        case .restore: .restored
        case nil: earlier.flatMap { $0.isSettled ? $0 : nil } ?? .excluded
        }
    }
}
