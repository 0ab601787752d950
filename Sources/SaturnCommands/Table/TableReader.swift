import SaturnCore
import Synchronization

/// Makes the table of a run from what the ledger knows and what its tasks have written.
struct TableReader {
    let view: RunView
    let ledger: any Ledger
    /// Where the results are.
    let store: any AttemptReading
    /// Below the results of a task.
    let file: String
    /// Bytes of it that are read.
    private static let limit = 1_000_000

    /// What was read of one task.
    private struct Finding: Sendable {
        var commit: String?
        /// Of the attempt, by its own events, in seconds.
        var duration: Double?
        var metrics: [(name: String, cell: Cell)] = []
        /// What is wrong with the file.
        var problem: String?
    }

    /// - Parameter tasks: of the run, in the order of the rows.
    func read(_ tasks: [TaskRecord], warn: (String) -> Void) throws -> ResultTable {
        let tasks = try withEarlierResults(tasks)
        let attempts = try ledger.attempts(tasks.compactMap(\.attempt))
        let origins = try ledger.attempts(attempts.values.compactMap(\.origin))
        let parameters = try self.parameters(tasks, attempts)
        let findings = try findings(tasks, attempts)
        var columns = TableColumns(parameters)
        var rows: [[Cell]] = []
        rows.reserveCapacity(tasks.count)
        for (index, task) in tasks.enumerated() {
            let (attempt, finding) = (task.attempt.flatMap { attempts[$0] }, findings[index])
            if let problem = finding?.problem { warn("'\(task.name)': results/\(file): \(problem)") }
            var row = row(task, parameters[index], columns)
            if task.state.hasResult || task.state == .failed || task.state == .excluded {
                // Of the attempt that has made it, and not of a copy.
                let maker = attempt?.origin.flatMap { origins[$0] } ?? attempt
                let duration = Self.duration(maker) ?? finding?.duration
                row[columns.column(.duration)] = duration.map { .seconds($0) } ?? .nothing
            }
            if let finding { add(finding, to: &row, &columns) }
            rows.append(row)
        }
        return ResultTable(columns: columns.names, rows: rows)
    }

    private func row(_ task: TaskRecord, _ parameters: [Variable], _ columns: TableColumns) -> [Cell] {
        var row = [Cell](repeating: .nothing, count: columns.first + TableColumns.Attribute.allCases.count)
        row[0] = .text(task.name)
        for variable in parameters {
            if let column = columns.column(parameter: variable.name) { row[column] = Cell(word: variable.value) }
        }
        row[columns.column(.state)] = .text(task.state.rawValue)
        if task.state == .failed || task.isBetweenAttempts, let note = task.note {
            row[columns.column(.cause)] = .text(note)
        }
        return row
    }

    private func add(_ finding: Finding, to row: inout [Cell], _ columns: inout TableColumns) {
        if let commit = finding.commit { row[columns.column(.commit)] = .text(commit) }
        for metric in finding.metrics {
            let column = columns.column(metric: metric.name)
            if row.count <= column { row += Array(repeating: .nothing, count: column + 1 - row.count) }
            row[column] = metric.cell
        }
    }

    /// Of tasks that `--only` has left out, what stands in their folders.
    private func withEarlierResults(_ tasks: [TaskRecord]) throws -> [TaskRecord] {
        guard tasks.contains(where: { $0.state == .excluded && $0.attempt == nil }) else { return tasks }
        let standing = try ledger.standing(in: view.record.location)
        return tasks.map { task in
            var task = task
            if task.state == .excluded { task.attempt = task.attempt ?? standing[task.name]?.id }
            return task
        }
    }

    private static func duration(_ attempt: AttemptRecord?) -> Double? {
        guard let attempt, let started = attempt.started, let ended = attempt.ended else { return nil }
        return Double(ended.microseconds - started.microseconds) / 1e6
    }
}

// MARK: Parameters

extension TableReader {
    /// A task that was left out shows its earlier result, and so what that was made with. Of what an earlier saturn has
    /// planned, only the manifests of what has run tell.
    private func parameters(
        _ tasks: [TaskRecord], _ attempts: [AttemptID: AttemptRecord]
    ) throws -> [[Variable]] {
        let planned = try ledger.parameters(of: view.record.name)
        return try tasks.map { task in
            let known = planned.map { task.index < $0.count ? $0[task.index] : [] }
            guard known == nil || task.state == .excluded, let attempt = task.attempt.flatMap({ attempts[$0] }) else {
                return known ?? []
            }
            let fields = try ledger.fields(of: attempt.key)
            let values = fields?.first { $0.label == "params" }?.values ?? []
            let found = values.map { Variable($0.name, $0.text ?? "") }
            return fields == nil || Set(found) == Set(known ?? []) ? known ?? found : found
        }
    }
}

// MARK: Results

extension TableReader {
    /// By the tasks' places in `tasks`; a file that cannot be read as it should is told of.
    private func findings(_ tasks: [TaskRecord], _ attempts: [AttemptID: AttemptRecord]) throws -> [Finding?] {
        let rows = tasks.indices.filter { tasks[$0].attempt != nil || tasks[$0].state == .running }
        let wanted = rows.map { row in
            let task = tasks[row]
            // While a task runs, the attempt that was its result before is none of its.
            let id = task.state == .running ? nil : task.attempt
            return WantedAttempt(
                task: task.name, run: view.record.name, attempt: id, record: id.flatMap { attempts[$0] })
        }
        let found = Mutex([Finding?](repeating: nil, count: tasks.count))
        try store.read(file, of: wanted, limit: Self.limit) { index, content in
            let finding = Self.finding(content)
            found.withLock { $0[rows[index]] = finding }
        }
        return found.withLock { $0 }
    }

    private static func finding(_ content: AttemptContent) -> Finding {
        let events = content.events
        var finding = Finding()
        let dirty = events.events.first?["dirty"] == "true" ? "+" : ""
        finding.commit = events.events.first?["commit"].map { "\($0.prefix(12))\(dirty)" }
        if let started = events.started, let completed = events.completed {
            finding.duration = Double(completed.microseconds - started.microseconds) / 1e6
        }
        switch content.file {
        case .missing: break
        case .tooLarge: finding.problem = "larger than 1 MB, not read"
        case .unreadable(let why): finding.problem = why
        case .bytes(let bytes):
            do { finding.metrics = try Metrics(bytes).values } catch {
                finding.problem = "no JSON object: \(error.message) at byte \(error.offset + 1)"
            }
        }
        return finding
    }
}
