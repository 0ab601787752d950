import Glibc
import SaturnCore
import SaturnEngine
import SaturnExecutors
import SaturnStores

/// An executor that a run file may name.
struct BuiltInExecutor: Sendable {
    var schema: ComponentSchema
    var make: @Sendable (ComponentSpec, ExecutorContext) throws -> any Executor
    /// What is wrong with the settings beyond their kinds.
    var problems: @Sendable (ComponentSpec) -> [Diagnostic] = { _ in [] }
    /// Settings that say where tasks are: with other values it is another place.
    var place: [String] = []

    /// The first is the default.
    static let all: [BuiltInExecutor] = [
        BuiltInExecutor(
            schema: MultiprocessingExecutor.schema, make: MultiprocessingExecutor.make,
            problems: MultiprocessingExecutor.problems),
        BuiltInExecutor(
            schema: DaskExecutor.schema, make: DaskExecutor.make, problems: DaskExecutor.problems,
            place: DaskExecutor.place),
        BuiltInExecutor(
            schema: RayExecutor.schema, make: RayExecutor.make, problems: RayExecutor.problems, place: RayExecutor.place
        ),
        BuiltInExecutor(
            schema: RFuturesExecutor.schema, make: RFuturesExecutor.make, problems: RFuturesExecutor.problems,
            place: RFuturesExecutor.place),
        BuiltInExecutor(
            schema: KubernetesExecutor.schema, make: KubernetesExecutor.make, problems: KubernetesExecutor.problems,
            place: KubernetesExecutor.place),
    ]

    static func named(_ spec: ComponentSpec) -> BuiltInExecutor { all.first { $0.schema.name == spec.name } ?? all[0] }
}

/// A results store that a run file may name.
struct BuiltInStore: Sendable {
    var schema: ComponentSchema
    /// - Parameters:
    ///   - folder: the run file's, from which a relative directory counts.
    ///   - state: where workspaces are filled whose results go elsewhere.
    var make: @Sendable (ComponentSpec, _ run: String, _ folder: String, _ state: StateFolder) throws -> any ResultStore
    /// What is wrong with the settings beyond their kinds.
    var problems: @Sendable (ComponentSpec, _ run: String) -> [Diagnostic] = { _, _ in [] }

    /// The first is the default.
    static let all: [BuiltInStore] = [
        BuiltInStore(schema: LocalDir.schema) { spec, run, folder, _ in try localDir(spec, run, folder) },
        BuiltInStore(
            schema: ComponentSchema(
                name: "DaskBackend", classSpecs: ["DaskBackend"], settings: ["directory": .string, "path": .string])
        ) { spec, run, folder, _ in try localDir(spec, run, folder) },
        BuiltInStore(
            schema: S3Results.schema,
            make: { spec, run, _, state in
                try S3Results(spec, run: run, staging: staging(state), environment: Environment.dictionary)
            }, problems: { S3Results.problems(with: $0, run: $1) }),
    ]

    static func named(_ spec: ComponentSpec) -> BuiltInStore { all.first { $0.schema.name == spec.name } ?? all[0] }

    /// The one whose name in the ledger is `location`.
    ///
    /// - Parameter state: `nil` where only results on this machine are of interest.
    static func at(_ location: String, _ state: StateFolder?) throws -> any ResultStore {
        if location.hasPrefix("/") { return LocalDir(directory: location) }
        guard let state else { throw Failure(.engine, "the results in \(location) are not on this machine") }
        return try S3Results(location: location, staging: staging(state), environment: Environment.dictionary)
    }

    private static func staging(_ state: StateFolder) -> String { state.path + "/staging" }

    private static func localDir(_ spec: ComponentSpec, _ run: String, _ folder: String) throws -> any ResultStore {
        let written = spec.settings["directory"]?.text ?? spec.settings["path"]?.text
        var directory = written?.replacing("{name}", with: run) ?? "results/\(run)"
        if directory.hasPrefix("~/"), let home = getenv("HOME") {
            directory = String(cString: home) + directory.dropFirst()
        }
        return LocalDir(directory: directory.hasPrefix("/") ? directory : "\(folder)/\(directory)")
    }
}
