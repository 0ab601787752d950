public import SaturnCore

/// What `plan` and `run` share: the graph, the evidence and the decisions; nothing has been changed yet.
public struct Preparation {
    public let run: String
    public let spec: RunSpec
    public let compilation: Compilation
    public let plan: Plan
    /// What made the plan, to go on with what that leaves open.
    let planner: Planner
    let ledger: any Ledger
    let store: any ResultStore
    let evidence: Evidence
    let digests: ContentDigests
    let project: String?
    let boot: String

    /// How many results the ledger did not know.
    public var adopted: Int { evidence.adopted.count }
    public var graph: Graph { compilation.graph }

    /// Decides what is to be done, from what `ledger` and the store have now.
    ///
    /// - Parameters:
    ///   - project: the project's id; `nil` before the first run.
    ///   - boot: the id of this start of the machine.
    public init(
        _ compilation: Compilation, ledger: any Ledger, project: String?, options: Planner.Options,
        boot: String = Machine.boot
    ) throws {
        self.boot = boot
        self.compilation = compilation
        run = compilation.parts.context.run
        spec = compilation.parts.spec
        store = compilation.parts.store
        digests = compilation.digests
        self.ledger = ledger
        self.project = project
        evidence = try Evidence(compilation, ledger: ledger, project: project, boot: boot)
        var planner = Planner(compilation.graph, evidence: evidence, options: options)
        var plan = try planner.plan()
        plan.notes = compilation.notes
        evidence.endPlanning()
        self.plan = plan
        self.planner = planner
    }
}
