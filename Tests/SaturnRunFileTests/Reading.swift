import SaturnCore
import SaturnRunFile
import Testing

/// What reading some texts gave, with problems as lines: `2:5: unknown key 'comand'; did you mean 'command'?`.
///
/// A problem of the second or a later source begins with that source's index: `#1 2:5: …`.
struct Reading {
    var result: RunFileResult

    /// - Parameter files: What sweeps can read, by path.
    init(_ yaml: String, tasks: String? = nil, set: [String] = [], files: [String: String] = [:]) {
        self.init(bytes: Array(yaml.utf8), tasks: tasks, set: set, files: files.mapValues { Array($0.utf8) })
    }

    init(bytes: [UInt8], tasks: String? = nil, set: [String] = [], files: [String: [UInt8]] = [:]) {
        let reader = RunFileReader(executors: Self.executors, stores: Self.stores) { path in
            guard let bytes = files[path] else { throw Failure(.usage, "cannot read \(path)", hint: "not there") }
            return bytes
        }
        result = reader.read(
            SourceText(path: "run.yaml", bytes: bytes),
            tasks: tasks.map { SourceText(path: "tasks.yaml", bytes: Array($0.utf8)) }, overrides: set)
    }

    /// The run file of one task that says `true` and these further lines.
    init(task lines: String...) {
        self.init("tasks:\n  - command: 'true'\n" + lines.map { "    \($0)\n" }.joined())
    }

    var spec: RunSpec { result.spec }

    /// The first task, or an empty one where there is none: expectations then fail by themselves.
    var task: TaskSpec {
        spec.tasks.first
            ?? TaskSpec(name: "", index: -1, command: .direct([]), at: SourceMark(line: 1, column: 1))
    }

    var problems: [String] {
        result.problems.map { problem in
            let mark = problem.mark.map { mark in
                (mark.source == 0 ? "" : "#\(mark.source) ") + "\(mark.line):\(mark.column): "
            }
            return (mark ?? "") + problem.message + (problem.hint.map { "; \($0)" } ?? "")
        }
    }

    static let executors = [
        ComponentSchema(
            name: "Multiprocessing",
            classSpecs: ["Multiprocessing", "MultiprocessingExecutor", "MultiprocessingBackend"],
            settings: ["jobs": .integer(atLeast: 1), "grace": .duration]),
        ComponentSchema(
            name: "Dask", classSpecs: ["Dask", "DaskExecutor", "DaskBackend"],
            settings: ["scheduler_address": .string, "shared": .flag, "modules": .strings, "options": .any]),
        ComponentSchema(name: "Bare", classSpecs: ["Bare"], settings: [:]),
    ]

    static let stores = [
        ComponentSchema(
            name: "LocalDir", classSpecs: ["LocalDir", "LocalResults"],
            settings: ["directory": .string, "path": .string]),
        ComponentSchema(
            name: "S3", classSpecs: ["S3", "S3Results"],
            settings: ["bucket": .string, "log_chunk": .integer(atLeast: 1)]),
    ]
}

/// A text that is bad, and every problem it has.
struct Refused: CustomTestStringConvertible, Sendable {
    var yaml: String
    var problems: [String]

    init(_ yaml: String, _ problems: String...) {
        self.yaml = yaml
        self.problems = problems
    }

    var testDescription: String { yaml }
}
