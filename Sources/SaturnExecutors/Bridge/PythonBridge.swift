import SaturnCore

extension Bridge {
    /// What is wrong with the interpreter that the settings name.
    static func problemsWithPython(_ spec: ComponentSpec) -> [Diagnostic] {
        spec.problemIfEmpty("python", hint: "without it, it is python3")
    }

    /// So many attempts are with an engine at once: all but the largest sweeps, so that it has work when saturn is gone.
    static let inFlight = 4096

    /// A bridge in Python, from the parts that all of them share and those of one engine.
    ///
    /// - Parameter settings: of the engine alone.
    static func python(
        _ spec: ComponentSpec, _ context: ExecutorContext, engine: String, script: [[UInt8]],
        settings: [String: JSONValue]
    ) -> Bridge {
        var settings = settings
        settings["connect_timeout"] = spec.settings["connect_timeout"]?.text.flatMap { Quantity.seconds($0) }
            .map { .number($0) }
        let python = spec.settings["python"]?.text ?? "python3"
        let shared = [
            Array("SPAWNER = r'''".utf8), PackageResources.spawner_py, Array("'''\n".utf8),
            PackageResources.report_py, PackageResources.agent_py, PackageResources.books_py,
            PackageResources.bridge_py, PackageResources.engine_py, PackageResources.own_cluster_py,
        ]
        return Bridge(
            interpreter: python.contains("/") ? context.absolute(python) : python, setting: "python", suffix: ".py",
            script: Array((shared + script).joined(separator: [UInt8(ascii: "\n")])), settings: .map(settings),
            environment: context.environment, run: RemoteRun(spec, context),
            isShared: spec.settings["shared"]?.text == "true",
            syncs: context.folderSyncs, base: context.folder, ownFolders: context.ownFolders, engine: engine)
    }
}
