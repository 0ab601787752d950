import GRDB
import SaturnCore

/// Reads attempts, with what other tables say of them: that is little, and read once.
struct AttemptReader {
    private let database: Database
    private let locations: [Int64: String]
    /// The keys under which attempts were accepted beside their own, of those that were.
    let accepted: [AttemptID: [TaskKey]]

    init(_ database: Database) throws {
        self.database = database
        var locations: [Int64: String] = [:]
        try database.cachedStatement(sql: "SELECT id, path FROM location").forEachRow { row in
            locations[try row.integer(0)] = try row.text(1)
        }
        var accepted: [AttemptID: [TaskKey]] = [:]
        try database.cachedStatement(sql: "SELECT attempt, key FROM accepted ORDER BY key").forEachRow { row in
            guard let attempt = try? row.attempt(0), let key = try? row.digest(1) else { return }
            accepted[attempt, default: []].append(key)
        }
        self.locations = locations
        self.accepted = accepted
    }

    func statement(_ condition: String) throws -> Statement {
        try database.cachedStatement(
            sql: """
                SELECT a.id, a.key, a.location, a.task, a.run, a.state, a.place, a.reusable, a.exit_code, a.started,
                a.ended, a.status_inode, a.status_size, a.status_modified, a.status_changed, a.origin, a.number
                FROM attempt a \(condition)
                """)
    }

    func records(_ statement: Statement, _ arguments: StatementArguments) throws -> [AttemptRecord] {
        var records: [AttemptRecord] = []
        try forEach(statement, arguments) { record, _ in records.append(record) }
        return records
    }

    func forEach(
        _ condition: String, _ arguments: StatementArguments, _ body: (AttemptRecord, _ number: Int64) -> Void
    ) throws {
        try forEach(statement(condition), arguments, body)
    }

    /// One that means nothing is left out.
    private func forEach(
        _ statement: Statement, _ arguments: StatementArguments, _ body: (AttemptRecord, _ number: Int64) -> Void
    ) throws {
        var last: AttemptRecord?
        try statement.forEachRow(arguments) { row in
            guard let location = try locations[row.integer(2)],
                var record = try? AttemptRecord(row, in: location, after: last)
            else { return }
            if !accepted.isEmpty { record.accepted = accepted[record.id] ?? [] }
            body(record, try row.integer(16))
            last = record
        }
    }
}

extension Statement {
    func forEachRow(_ arguments: StatementArguments = [], _ body: (Columns) throws -> Void) throws {
        let rows = try Row.fetchCursor(self, arguments: arguments)
        while try rows.next() != nil { try body(Columns(statement: sqliteStatement)) }
    }
}
