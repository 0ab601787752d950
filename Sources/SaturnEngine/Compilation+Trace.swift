extension Compilation {
    /// All that the graph depends on, with what was found; `nil` when that is not known.
    var observations: [Observation]? {
        guard let program = TraceFile.program, let seen = world.observations else { return nil }
        var files: [Observation] = []
        for path in parts.context.files {
            guard let digest = parts.context.contents[path] else { return nil }
            files.append(.file(path, digest))
        }
        return [.program(program)] + files + seen + sources.observations
    }
}
