public import SaturnCore

/// Reads the YAML of a run into a ``RunSpec``:
///
///     let reader = RunFileReader(executors: executors, stores: stores)
///     let result = reader.read(SourceText(path: "run.yaml", bytes: bytes), overrides: ["executor.jobs=4"])
///
/// Reading looks at nothing but the texts and the files that sweeps take their values from: whether inputs exist and
/// names in `needs` are known is for others to say.
public struct RunFileReader: Sendable {
    private let executors: [ComponentSchema]
    private let stores: [ComponentSchema]
    private let readFile: FileReading

    /// - Parameters:
    ///   - executors: The first is what a file gets that names none.
    ///   - stores: The same.
    ///   - readFile: The bytes of a file that a sweep names, by its path as written; what it throws is reported there.
    public init(
        executors: [ComponentSchema], stores: [ComponentSchema], readFile: @escaping FileReading = Self.noFiles
    ) {
        self.executors = executors
        self.stores = stores
        self.readFile = readFile
    }

    /// Reads nothing.
    public static let noFiles: FileReading = { path in throw Failure(.usage, "cannot read \(path)") }

    /// The spec that the texts describe, and everything that is wrong with them.
    ///
    /// - Parameters:
    ///   - file: The run file.
    ///   - tasks: More tasks: a list, or a mapping with `tasks` and perhaps `defaults` for these tasks only.
    ///   - overrides: Values of `--set`, each `KEY=VALUE`: a dotted path, then YAML.
    /// - Returns: A result also for texts that are no YAML at all.
    public func read(_ file: SourceText, tasks: SourceText? = nil, overrides: [String] = []) -> RunFileResult {
        let files = [file] + (tasks.map { [$0] } ?? [])
        let sources = files + overrides.map { SourceText(path: "--set", bytes: Array($0.utf8)) }
        let fields = FieldReader(sources: sources, readFile: readFile)
        var roots = files.indices.map { index in
            let text = YAMLText(files[index].bytes, origin: YAMLOrigin(source: index))
            fields.add(text.problems)
            if text.root == nil && text.problems.isEmpty { fields.report(Self.start(of: index), "the file is empty") }
            return text.root
        }
        for index in overrides.indices {
            Override(source: files.count + index, text: overrides[index], shorthands: shorthands)
                .apply(to: &roots, fields)
        }
        let spec = RunInterpreter(executors: executors, stores: stores, fields: fields).spec(of: roots)
        return RunFileResult(
            spec: spec, problems: fields.sortedProblems, sources: fields.sources, sweepFiles: fields.sweepFiles)
    }

    /// The class of an executor or store to which `--set` gives a setting, and the file no class.
    private var shorthands: [String: String] {
        var found: [String: String] = [:]
        found["executor"] = executors.first?.classSpecs.first
        found["results"] = stores.first?.classSpecs.first
        return found
    }

    static func start(of source: Int) -> SourceMark { SourceMark(source: source, line: 1, column: 1) }
}

/// Gives the bytes of the file at a path that is relative to the run file's folder, or absolute.
public typealias FileReading = @Sendable (_ path: String) throws -> [UInt8]

/// What the YAML of a run says, and what is wrong with it.
public struct RunFileResult: Sendable {
    /// Every task whose name can be used, even when other fields of it cannot; complete when there are no problems.
    public var spec: RunSpec
    /// In the order of the sources, lines and columns.
    public var problems: [Diagnostic]
    /// The run file, the task file if there is one, every `--set`, then the files of sweeps with problems in them: what
    /// ``SourceMark/source`` counts.
    public var sources: [SourceText]
    /// The files that sweeps take their values from, as written. They count through the values alone.
    public var sweepFiles: [String]

    public init(spec: RunSpec, problems: [Diagnostic], sources: [SourceText], sweepFiles: [String] = []) {
        self.spec = spec
        self.problems = problems
        self.sources = sources
        self.sweepFiles = sweepFiles
    }
}
