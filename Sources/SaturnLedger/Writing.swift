import GRDB
public import SaturnCore

extension SQLiteLedger {
    public func commit(_ batch: LedgerBatch) throws {
        guard !batch.isEmpty else { return }
        try writing { database in try Writer(database: database).write(batch) }
    }
}

/// Writes one batch inside the transaction of its caller.
private struct Writer {
    let database: Database

    func write(_ batch: LedgerBatch) throws {
        for run in batch.runs { try write(run) }
        for (run, tasks) in batch.plans { try replacePlan(of: run, with: tasks) }
        for (run, parameters) in batch.parameters { try replaceParameters(of: run, with: parameters) }
        try write(manifests: batch.manifests)
        try write(details: batch.details)
        try write(attempts: batch.attempts)
        try write(moved: batch.moved)
        try write(tasks: batch.tasks)
        try write(digests: batch.digests)
        try forget(batch.forgotten, runs: batch.forgottenRuns)
        try removeTraces(batch)
        try write(traces: batch.traces)
        for run in batch.upToDate { try setUpToDate(run) }
    }

    /// Whatever is known of attempts at a location has changed: what stood on it must be looked at again.
    private func removeTraces(_ batch: LedgerBatch) throws {
        if !batch.moved.isEmpty || !batch.forgotten.isEmpty { return try database.execute(sql: "DELETE FROM trace") }
        for location in Set(batch.attempts.map(\.location)) {
            try database.execute(sql: "DELETE FROM trace WHERE location = ?", arguments: [location])
        }
    }

    private func write(traces: [(run: String, location: String, token: [UInt8])]) throws {
        for (run, location, token) in traces {
            try database.execute(
                sql: "INSERT OR REPLACE INTO trace (run, location, token) VALUES (?, ?, ?)",
                arguments: [run, location, Data(token)])
        }
    }

    private func setUpToDate(_ run: String) throws {
        let recorded = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM trace WHERE run = ? AND reused", arguments: [run])
        guard recorded == 0 else { return }
        try database.execute(
            sql: "UPDATE task SET state = ? WHERE run = ? AND state IN (?, ?)",
            arguments: [
                TaskState.reused.rawValue, run, TaskState.succeeded.rawValue, TaskState.restored.rawValue,
            ])
        try database.execute(sql: "UPDATE trace SET reused = 1 WHERE run = ?", arguments: [run])
    }

    /// What a manifest says is kept as long as an attempt has its key, or was accepted under it.
    private func forget(_ attempts: [AttemptID], runs: [String]) throws {
        var keys: [Data] = []
        for attempt in attempts {
            for table in ["attempt WHERE id", "accepted WHERE attempt"] {
                let sql = "DELETE FROM \(table) = ? RETURNING key"
                keys += try Data.fetchAll(database, sql: sql, arguments: [attempt.data])
            }
        }
        let orphan = """
            DELETE FROM manifest WHERE key = ? AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.key = manifest.key)
            AND NOT EXISTS (SELECT 1 FROM accepted a WHERE a.key = manifest.key)
            """
        for key in keys { try database.cachedStatement(sql: orphan).execute(arguments: [key]) }
        if !keys.isEmpty { try removeDetails() }
        for run in runs {
            try database.execute(sql: "DELETE FROM task WHERE run = ?", arguments: [run])
            try database.execute(sql: "DELETE FROM parameter WHERE run = ?", arguments: [run])
            try database.execute(sql: "DELETE FROM run WHERE name = ?", arguments: [run])
            try database.execute(sql: "DELETE FROM trace WHERE run = ?", arguments: [run])
        }
    }

    private func write(_ run: RunRecord) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                run.name, run.specName, run.file, run.location, run.state.rawValue, run.started.microseconds,
                run.ended?.microseconds, run.exitCode, run.storedArguments,
            ])
    }

    /// Touches only the rows that differ: a rerun that changes nothing writes nothing.
    private func replacePlan(of run: String, with tasks: [TaskRecord]) throws {
        var isChanged = [Bool](repeating: true, count: tasks.count)
        var gone: [String] = []
        // Both by the bytes of the names, as SQLite has them.
        var rest = tasks.indices.sorted { tasks[$0].precedes(tasks[$1]) }[...]
        let sql = "SELECT name, position, state, attempt, note FROM task WHERE run = ? ORDER BY name"
        try database.cachedStatement(sql: sql).forEachRow([run]) { row in
            if let next = rest.first, row.isText(0, tasks[next].name) {
                isChanged[next] = !row.says(tasks[next])
                rest.removeFirst()
                return
            }
            guard let old = try? TaskRecord(row) else { return }
            while let next = rest.first, tasks[next].precedes(old) { rest.removeFirst() }
            guard let next = rest.first, !old.precedes(tasks[next]) else { return gone.append(old.name) }
            isChanged[next] = old != tasks[next]
            rest.removeFirst()
        }
        let delete = try database.cachedStatement(sql: "DELETE FROM task WHERE run = ? AND name = ?")
        for name in gone { try delete.execute(arguments: [run, name]) }
        try write(tasks: tasks.indices.filter { isChanged[$0] }.map { (run, tasks[$0]) })
    }

    /// A rerun that changes nothing writes nothing. There is a row also where no task has parameters: an earlier saturn has
    /// left none.
    private func replaceParameters(of run: String, with tasks: [[Variable]]) throws {
        let select = try database.cachedStatement(sql: "SELECT content FROM parameter WHERE run = ? AND first = ?")
        let insert = try database.cachedStatement(sql: "INSERT OR REPLACE INTO parameter VALUES (?, ?, ?)")
        for first in stride(from: 0, to: max(1, tasks.count), by: SQLiteLedger.tasksTogether) {
            let content = ParameterCoding.encode(tasks[first...].prefix(SQLiteLedger.tasksTogether))
            if try Data.fetchOne(select, arguments: [run, first])?.elementsEqual(content) == true { continue }
            try insert.execute(arguments: [run, first, Data(content)])
        }
        try database.execute(
            sql: "DELETE FROM parameter WHERE run = ? AND first >= ?", arguments: [run, max(1, tasks.count)])
    }

    /// Those that no manifest mentions any more.
    private func removeDetails() throws {
        var unused = try Set(String.fetchAll(database, sql: "SELECT value FROM detail"))
        guard !unused.isEmpty else { return }
        let manifests = try Data.fetchCursor(database, sql: "SELECT fields FROM manifest")
        while !unused.isEmpty, let fields = try manifests.next() {
            for field in ManifestCoding.decode(Array(fields)) ?? [] {
                for text in field.values.compactMap(\.text) { unused.remove(text) }
            }
        }
        let delete = try database.cachedStatement(sql: "DELETE FROM detail WHERE value = ?")
        for value in unused { try delete.execute(arguments: [value]) }
    }

    private func write(details: [String: [UInt8]]) throws {
        let insert = try database.cachedStatement(sql: "INSERT OR IGNORE INTO detail VALUES (?, ?)")
        for (value, content) in details { try insert.execute(arguments: [value, Data(content)]) }
    }

    private func write(manifests: [TaskKey: [UInt8]]) throws {
        let insert = try database.cachedStatement(sql: "INSERT OR IGNORE INTO manifest VALUES (?, ?)")
        for (key, fields) in manifests { try insert.execute(arguments: [key.data, Data(fields)]) }
    }

    private func write(moved: [(attempt: AttemptID, place: AttemptRecord.Place, task: String)]) throws {
        let update = try database.cachedStatement(sql: "UPDATE attempt SET place = ?, task = ? WHERE id = ?")
        for move in moved {
            if move.place == .standing { try clear(move.task, locationOf: move.attempt) }
            try update.execute(arguments: [move.place.rawValue, move.task, move.attempt.data])
        }
    }

    private func write(attempts: [AttemptRecord]) throws {
        var locations: [String: Int64] = [:]
        let insert = try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO attempt (number, id, key, location, task, run, state, place, reusable,
                exit_code, started, ended, status_inode, status_size, status_modified, status_changed, origin)
                VALUES ((SELECT number FROM attempt WHERE id = ?1),
                ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                """)
        for attempt in attempts {
            let location = try locations[attempt.location] ?? id(of: attempt.location)
            locations[attempt.location] = location
            if attempt.place == .standing { try clear(attempt.task, in: location) }
            let stamp = attempt.stamp
            try insert.execute(arguments: [
                attempt.id.data, attempt.key.data, location, attempt.task, attempt.run, attempt.storedState,
                attempt.place.rawValue, attempt.reusable, attempt.exitCode, attempt.started?.microseconds,
                attempt.ended?.microseconds, stamp.map { Int64(bitPattern: $0.inode) }, stamp?.size,
                stamp?.modified, stamp?.changed, attempt.origin?.data,
            ])
            try write(accepted: attempt)
        }
    }

    private func write(accepted attempt: AttemptRecord) throws {
        try database.cachedStatement(sql: "DELETE FROM accepted WHERE attempt = ?")
            .execute(arguments: [attempt.id.data])
        for key in attempt.accepted {
            try database.cachedStatement(sql: "INSERT OR IGNORE INTO accepted VALUES (?, ?)")
                .execute(arguments: [key.data, attempt.id.data])
        }
    }

    /// One attempt stands in a folder. What the ledger thought was there was moved to the attic by a run that died before
    /// it could say so, or is gone: whoever wants it looks.
    private func clear(_ task: String, in location: Int64) throws {
        try database.cachedStatement(
            sql: "UPDATE attempt SET place = 'attic' WHERE location = ? AND task = ? AND place = 'standing'"
        ).execute(arguments: [location, task])
    }

    private func clear(_ task: String, locationOf attempt: AttemptID) throws {
        let location = try Int64.fetchOne(
            database, sql: "SELECT location FROM attempt WHERE id = ?", arguments: [attempt.data])
        if let location { try clear(task, in: location) }
    }

    private func id(of location: String) throws -> Int64 {
        try database.execute(sql: "INSERT OR IGNORE INTO location (path) VALUES (?)", arguments: [location])
        return try Int64.fetchOne(
            database, sql: "SELECT id FROM location WHERE path = ?", arguments: [location]) ?? 0
    }

    private func write(tasks: [(run: String, task: TaskRecord)]) throws {
        let insert = try database.cachedStatement(sql: "INSERT OR REPLACE INTO task VALUES (?, ?, ?, ?, ?, ?)")
        for (run, task) in tasks {
            try insert.execute(arguments: [
                run, task.name, task.index, task.state.rawValue, task.attempt?.data, task.note,
            ])
        }
        let update = try database.cachedStatement(sql: "UPDATE trace SET reused = 0 WHERE run = ? AND reused")
        for run in Set(tasks.map(\.run)) { try update.execute(arguments: [run]) }
    }

    private func write(digests: [DigestRecord]) throws {
        let insert = try database.cachedStatement(sql: "INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?, ?, ?)")
        for record in digests {
            let stamp = record.stamp
            try insert.execute(arguments: [
                record.path, Int64(bitPattern: stamp.inode), stamp.size, stamp.modified, stamp.changed,
                record.digest.data,
            ])
        }
    }
}

extension TaskRecord {
    fileprivate func precedes(_ other: TaskRecord) -> Bool { name.utf8.lexicographicallyPrecedes(other.name.utf8) }
}
