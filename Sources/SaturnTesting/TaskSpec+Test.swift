public import SaturnCore

extension TaskSpec {
    /// A task in few words; its mark is the line of its index, and those of its needs columns of it.
    public init(_ name: String, _ command: String = "true", index: Int = 0, needs: [String] = []) {
        self.init(
            name: name, index: index, command: .shell(command, shell: Command.defaultShell),
            at: SourceMark(line: index + 1, column: 1))
        self.needs = needs.enumerated().map { Marked($1, at: SourceMark(line: index + 1, column: 10 + $0)) }
    }
}

extension [TaskSpec] {
    /// The same tasks, their indices by position.
    public var numbered: [TaskSpec] {
        enumerated().map { index, task in
            var task = task
            task.index = index
            task.mark.line = Int32(index + 1)
            for need in task.needs.indices { task.needs[need].mark.line = Int32(index + 1) }
            return task
        }
    }
}
