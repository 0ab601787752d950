import GRDB
public import SaturnCore

extension SQLiteLedger {
    private static let attemptColumns = """
        a.id, a.key, l.path, a.task, a.run, a.state, a.place, a.reusable, a.exit_code, a.started, a.ended,
        a.status_inode, a.status_size, a.status_modified, a.status_changed, a.origin
        FROM attempt a JOIN location l ON l.id = a.location
        """

    public func standing(in location: String) throws -> [String: AttemptRecord] {
        let rows = try attempts(
            "WHERE l.path = ? AND a.place = 'standing' ORDER BY a.number", [location])
        return Dictionary(rows.map { ($0.task, $0) }, uniquingKeysWith: { _, newer in newer })
    }

    public func successes(of key: TaskKey) throws -> [AttemptRecord] {
        // What must not be reused under its own key counts where somebody has accepted it.
        try attempts(
            """
            WHERE a.number IN (
                SELECT number FROM attempt WHERE key = ?1 AND state = 'success' AND reusable
                UNION SELECT t.number FROM accepted c JOIN attempt t ON t.id = c.attempt
                WHERE c.key = ?1 AND t.state IN ('success', 'stale'))
            ORDER BY a.number DESC
            """, [key.data])
    }

    public func locations() throws -> [String] {
        try reading { try String.fetchAll($0, sql: "SELECT path FROM location ORDER BY path") }
    }

    public func attempts(_ ids: [AttemptID]) throws -> [AttemptID: AttemptRecord] {
        try reading { database in
            let accepted = try Self.accepted(database)
            var found: [AttemptID: AttemptRecord] = [:]
            for id in ids {
                found[id] = try Self.records("WHERE a.id = ?", [id.data], accepted, database).first
            }
            return found
        }
    }

    private func attempts(_ condition: String, _ arguments: StatementArguments) throws -> [AttemptRecord] {
        try reading { try Self.records(condition, arguments, Self.accepted($0), $0) }
    }

    private static func records(
        _ condition: String, _ arguments: StatementArguments, _ accepted: [AttemptID: [TaskKey]],
        _ database: Database
    ) throws -> [AttemptRecord] {
        let sql = "SELECT \(attemptColumns) \(condition)"
        let rows = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: arguments)
        var records: [AttemptRecord] = []
        while let row = try rows.next() {
            guard var record = try? AttemptRecord(row) else { continue }
            record.accepted = accepted[record.id] ?? []
            records.append(record)
        }
        return records
    }

    public func accepted() throws -> [AttemptID: [TaskKey]] { try reading { try Self.accepted($0) } }

    /// All of them: there are few.
    private static func accepted(_ database: Database) throws -> [AttemptID: [TaskKey]] {
        let rows = try Row.fetchCursor(
            database.cachedStatement(sql: "SELECT attempt, key FROM accepted ORDER BY key"))
        var found: [AttemptID: [TaskKey]] = [:]
        while let row = try rows.next() {
            guard let attempt = try? AttemptID(bytes: row.decode(Data.self, atIndex: 0)),
                let key = try? TaskKey(bytes: row.decode(Data.self, atIndex: 1))
            else { continue }
            found[attempt, default: []].append(key)
        }
        return found
    }

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
        let rows = try attempts("WHERE l.path = ? AND a.number IN (\(newest))", [location])
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
            try Row.fetchAll(
                database, sql: "SELECT name, position, state, attempt, note FROM task WHERE run = ? ORDER BY position",
                arguments: [run]
            ).compactMap { try? TaskRecord($0) }
        }
    }

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
