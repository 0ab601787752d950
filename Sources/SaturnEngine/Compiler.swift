import SaturnCore

/// Turns a run's specification into a graph whose nodes know what decides their keys.
public struct Compiler {
    private let context: Compilation.Context
    private let sources: Sources
    private let world: World
    private var code: CodeReader
    private var problems: [Diagnostic] = []
    private var shared = Shared()
    private var workdirs: [String: String?] = [:]

    private init(_ parts: Compilation.Parts, sources: Sources) {
        context = parts.context
        problems = parts.problems
        self.sources = sources
        world = World(environment: context.environment, code: parts.code)
        code = CodeReader(
            world: world, sources: sources, files: context.files, ownFolders: context.ownFolders, folder: context.folder
        )
    }

    /// Throws ``Diagnostics`` with all that is wrong: what reading brought up, and what is found here.
    public static func compile(_ parts: Compilation.Parts) throws -> Compilation {
        let digests = ContentDigests(ledger: parts.ledger)
        let sources = Sources(code: parts.code, digests: digests)
        var compiler = Compiler(parts, sources: sources)
        var graph = Graph(parts.spec.tasks, problems: &compiler.problems)
        var counted = [Counted](repeating: Counted(), count: graph.nodes.count)
        for index in graph.nodes.indices { counted[index] = try compiler.complete(&graph.nodes[index]) }
        let syncs = FileSyncs.problems(parts.spec.fileSyncs, in: parts.context.folder)
        let problems = compiler.problems + compiler.code.problems + syncs
        guard problems.isEmpty else {
            let sorted = problems.sorted { order($0.mark) < order($1.mark) }
            throw Diagnostics(Diagnostic.condensed(sorted), sources: parts.texts)
        }
        return Compilation(
            parts: parts, graph: graph, digests: digests, sources: sources, used: counted.map(\.sources),
            repositories: counted.map(\.repository), snapshotOf: counted.map(\.snapshot),
            snapshots: compiler.code.snapshots, world: compiler.world,
            notes: try compiler.code.notes(besides: sources.contentPaths, shipped: parts.spec.fileSyncs))
    }

    /// What a task's key counts, but for the manifest.
    private struct Counted {
        var sources: [Int] = []
        var repository: Int?
        var snapshot: Int?
    }

    /// What tasks one after another have in common, kept once: a run may have a million of them.
    private struct Shared {
        struct Values {
            private var last: [Manifest.Value] = []

            mutating func same(_ values: [Manifest.Value]) -> [Manifest.Value] {
                if !values.elementsEqual(last, by: Manifest.Value.isSame) { last = values }
                return last
            }
        }

        var passEnv = Values()
        var inputs = Values()
        var code = Values()
        private var lastSources: [Int] = []

        mutating func sources(_ numbers: [Int]) -> [Int] {
            if numbers != lastSources { lastSources = numbers }
            return lastSources
        }
    }

    private static func order(_ mark: SourceMark?) -> (Int32, Int32, Int32) {
        mark.map { ($0.source, $0.line, $0.column) } ?? (-1, 0, 0)
    }

    /// Fills in the manifest but for `needs`; returns what it counts.
    private mutating func complete(_ node: inout TaskNode) throws -> Counted {
        let spec = node.spec
        guard let workdir = workdir(of: spec) else { return Counted() }
        node.workdir = workdir
        node.manifest.passEnv = shared.passEnv.same(
            spec.passEnv.sorted().map { Manifest.Value($0, world.variable($0)) })
        node.manifest.context = mentions(of: spec)
        node.manifest.executor = spec.image.map { [Manifest.Value("image", $0)] } ?? context.executor
        for secret in spec.secrets where !world.hasVariable(secret) {
            problems.append(
                Diagnostic(at: spec.mark, "task '\(spec.name)': the secret '\(secret)' is not set in the environment"))
        }
        let (inputs, inputSources) = try self.inputs(of: spec, in: workdir)
        node.manifest.inputs = shared.inputs.same(inputs)
        let code = try code.code(of: spec, in: workdir, relativeTo: context.folder, inputs: inputs)
        node.manifest.workdir = code.workdir
        node.manifest.code = shared.code.same(code.values)
        node.provenance = code.provenance
        return Counted(
            sources: shared.sources(inputSources + code.sources), repository: code.repository, snapshot: code.snapshot)
    }

    private mutating func workdir(of spec: TaskSpec) -> String? {
        let text = spec.workdir ?? ""
        if let known = workdirs[text] { return known }
        let path = text.hasPrefix("/") ? text : text.isEmpty ? context.folder : "\(context.folder)/\(text)"
        let found = world.folder(path)
        if found == nil {
            problems.append(Diagnostic(at: spec.mark, "task '\(spec.name)': the workdir '\(text)' is not a folder"))
        }
        workdirs[text] = .some(found)
        return found
    }

    /// The variables that differ from task to task count only where the command reads them.
    private func mentions(of spec: TaskSpec) -> [Manifest.Value] {
        guard Self.mentionsAny(spec.command) else { return [] }
        let text = spec.command.argv.joined(separator: " ")
        guard text.contains("SATURN_") else { return [] }
        var values: [Manifest.Value] = []
        if text.contains("SATURN_RUN") { values.append(Manifest.Value("SATURN_RUN", context.run)) }
        if text.contains("SATURN_TASK_INDEX") {
            values.append(Manifest.Value("SATURN_TASK_INDEX", "\(spec.index)"))
        }
        let others = text.split(separator: "SATURN_TASK", omittingEmptySubsequences: false).dropFirst()
        if others.contains(where: { !$0.hasPrefix("_INDEX") }) {
            values.append(Manifest.Value("SATURN_TASK", spec.name))
        }
        return values
    }

    /// By bytes: hardly any command does, and a run may have a million of them.
    private static func mentionsAny(_ command: Command) -> Bool {
        switch command {
        case .shell(let text, let shell): mentionsAny(text) || shell.contains(where: mentionsAny)
        case .direct(let argv): argv.contains(where: mentionsAny)
        }
    }

    private static func mentionsAny(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            bytes.indices.contains { bytes[$0] == UInt8(ascii: "S") && bytes[$0...].starts(with: "SATURN_".utf8) }
        }
    }

    private mutating func inputs(of spec: TaskSpec, in workdir: String) throws -> ([Manifest.Value], [Int]) {
        var values: [Manifest.Value] = []
        var used: [Int] = []
        var seen: Set<String> = []
        for input in spec.inputs {
            let names =
                InputPattern.isPattern(input.value)
                ? world.matches(input.value, in: workdir) : [input.value]
            if names.isEmpty {
                problems.append(Diagnostic(at: input.mark, "the input '\(input.value)' matches nothing in \(workdir)"))
            }
            for name in names where seen.insert(name).inserted {
                guard let found = try sources.content(name.hasPrefix("/") ? name : "\(workdir)/\(name)") else {
                    problems.append(Diagnostic(at: input.mark, "the input '\(name)' does not exist in \(workdir)"))
                    continue
                }
                values.append(Manifest.Value(name, found.digest.description))
                used.append(found.source)
            }
        }
        return (values.sorted { $0.name < $1.name }, used)
    }
}
