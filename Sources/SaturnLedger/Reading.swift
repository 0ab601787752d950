import GRDB
public import SaturnCore

extension SQLiteLedger {
    public func standing(in location: String) throws -> [String: AttemptRecord] {
        let records = try standingByName(in: location)
        return Dictionary(records.map { ($0.task, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public func standingByName(in location: String) throws -> [AttemptRecord] {
        try reading { database in
            var records: [AttemptRecord] = []
            var lastNumber: Int64 = 0
            let condition =
                "WHERE a.location = (SELECT id FROM location WHERE path = ?) AND a.place = 'standing' ORDER BY a.task"
            try AttemptReader(database).forEach(condition, [location]) { record, number in
                // There is one for each task, unless something is damaged: the newest is it.
                if let last = records.last?.task, last.hasSameBytes(as: record.task) {
                    guard number > lastNumber else { return }
                    records.removeLast()
                }
                lastNumber = number
                records.append(record)
            }
            return records
        }
    }

    public func successes(of key: TaskKey) throws -> [AttemptRecord] {
        // What must not be reused under its own key counts where somebody has accepted it.
        try attempts(Self.successes, [key.data])
    }

    public func successes(of keys: Set<TaskKey>) throws -> [TaskKey: [AttemptRecord]] {
        try reading { database in
            let reader = try AttemptReader(database)
            let statement = try reader.statement(Self.successes)
            var found: [TaskKey: [AttemptRecord]] = [:]
            for key in keys {
                let records = try reader.records(statement, [key.data])
                if !records.isEmpty { found[key] = records }
            }
            return found
        }
    }

    private static let successes = """
        WHERE a.number IN (
            SELECT number FROM attempt WHERE key = ?1 AND state = 'success' AND reusable
            UNION SELECT t.number FROM accepted c JOIN attempt t ON t.id = c.attempt
            WHERE c.key = ?1 AND t.state IN ('success', 'stale'))
        ORDER BY a.number DESC
        """

    public func locations() throws -> [String] {
        try reading { try String.fetchAll($0, sql: "SELECT path FROM location ORDER BY path") }
    }

    public func attempts(_ ids: [AttemptID]) throws -> [AttemptID: AttemptRecord] {
        guard !ids.isEmpty else { return [:] }
        return try reading { database in
            let reader = try AttemptReader(database)
            let statement = try reader.statement("WHERE a.id = ?")
            var found: [AttemptID: AttemptRecord] = [:]
            for id in ids { found[id] = try reader.records(statement, [id.data]).first }
            return found
        }
    }

    private func attempts(_ condition: String, _ arguments: StatementArguments) throws -> [AttemptRecord] {
        try reading { database in
            let reader = try AttemptReader(database)
            return try reader.records(reader.statement(condition), arguments)
        }
    }

    public func accepted() throws -> [AttemptID: [TaskKey]] { try reading { try AttemptReader($0).accepted } }

    public func fields(of key: TaskKey) throws -> [Manifest.Field]? {
        try reading { database in
            try Data.fetchOne(database, sql: "SELECT fields FROM manifest WHERE key = ?", arguments: [key.data])
        }.flatMap { ManifestCoding.decode(Array($0)) }
    }

    public func detail(of value: String) throws -> [UInt8]? {
        try reading { database in
            let sql = "SELECT content FROM detail WHERE value = ?"
            return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [value]).flatMap {
                try? Array($0.decode(Data.self, atIndex: 0))
            }
        }
    }

    public func latest(in location: String) throws -> [String: AttemptRecord] {
        let newest = "SELECT MAX(number) FROM attempt GROUP BY location, task"
        let rows = try attempts(
            "WHERE a.location = (SELECT id FROM location WHERE path = ?) AND a.number IN (\(newest))", [location])
        return Dictionary(rows.map { ($0.task, $0) }, uniquingKeysWith: { _, newer in newer })
    }

    public func isPlanned(_ task: String, in location: String, otherThan run: String) throws -> Bool {
        try reading { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM task t JOIN run r ON r.name = t.run
                    WHERE t.name = ? AND r.location = ? AND r.name != ?)
                    """, arguments: [task, location, run]) ?? false
        }
    }

    public func runs() throws -> [RunRecord] {
        try reading { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT name, spec_name, file, location, state, started, ended, exit_code, arguments
                    FROM run ORDER BY started DESC, name
                    """
            ).compactMap { try? RunRecord($0) }
        }
    }

    public func tasks(of run: String) throws -> [TaskRecord] {
        try reading { database in
            let sql = "SELECT name, position, state, attempt, note FROM task WHERE run = ?"
            var tasks: [TaskRecord] = []
            try database.cachedStatement(sql: sql).forEachRow([run]) { row in
                if let task = try? TaskRecord(row) { tasks.append(task) }
            }
            return tasks.sorted { $0.index < $1.index }
        }
    }

    public func parameters(of run: String) throws -> [[Variable]]? {
        try reading { database in
            let sql = "SELECT first, content FROM parameter WHERE run = ? ORDER BY first"
            var found: [[Variable]]?
            try database.cachedStatement(sql: sql).forEachRow([run]) { row in
                let first = Int(try row.integer(0))
                var tasks = found ?? []
                // What is damaged is as if it had never been written.
                let decoded = row.bytes(1).flatMap { ParameterCoding.decode(Array($0)) } ?? []
                guard first >= tasks.count, first - tasks.count <= Self.tasksTogether else { return }
                found = nil
                tasks += Array(repeating: [], count: first - tasks.count) + decoded
                found = tasks
            }
            return found
        }
    }

    /// So many tasks have their parameters in one row.
    static let tasksTogether = 1000

    public func trace(of run: String) throws -> [UInt8]? {
        try reading { database in
            try Data.fetchOne(database, sql: "SELECT token FROM trace WHERE run = ?", arguments: [run])
        }.map { Array($0) }
    }

    public func digest(of path: String) throws -> DigestRecord? {
        try reading { database in
            try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT path, inode, size, modified, changed, digest FROM digest WHERE path = ?"),
                arguments: [path]
            ).flatMap { try? DigestRecord($0) }
        }
    }
}
