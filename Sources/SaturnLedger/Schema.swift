import GRDB
import SaturnCore

/// The tables, version by version. A migration that has landed is never changed.
enum Schema {
    static func upgrade(_ queue: DatabaseQueue, _ path: String) throws {
        try refuseNewer(queue, path)
        var applied = try queue.read(migrator.appliedIdentifiers).count
        while true {
            do { return try migrator.migrate(queue) } catch let error as DatabaseError {
                // Two that begin at once both want to make the next version; each is made whole, by one of them.
                let now = try queue.read(migrator.appliedIdentifiers).count
                guard now > applied else { throw error }
                applied = now
            }
        }
    }

    static func isCurrent(_ queue: DatabaseQueue, _ path: String) throws -> Bool {
        try refuseNewer(queue, path)
        return (try? queue.read { try migrator.hasCompletedMigrations($0) }) ?? false
    }

    private static func refuseNewer(_ queue: DatabaseQueue, _ path: String) throws {
        guard let isNewer = try? queue.read({ try migrator.hasBeenSuperseded($0) }), isNewer else { return }
        let applied = try queue.read { try migrator.appliedIdentifiers($0) }
        // A newer one has all versions up to its own; a bit that flips in `v1` leaves a gap.
        guard applied == Set((1...applied.count).map { "v\($0)" }) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "its list of versions is damaged")
        }
        throw Failure(
            .usage, "the ledger \(path) was written by a newer saturn (schema v\(applied.count))",
            hint: "use that version, or choose another --state")
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { try $0.execute(sql: version1) }
        migrator.registerMigration("v2") { try $0.execute(sql: version2) }
        migrator.registerMigration("v3") { try $0.execute(sql: version3) }
        migrator.registerMigration("v4") { try $0.execute(sql: version4) }
        migrator.registerMigration("v5") { try $0.execute(sql: version5) }
        migrator.registerMigration("v6") { try $0.execute(sql: version6) }
        return migrator
    }

    /// Of tasks from number `first` on, as `ParameterCoding` has them.
    private static let version6 = """
        CREATE TABLE parameter (
            run TEXT NOT NULL, first INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (run, first));
        """

    /// `reused` tells that all tasks of the run are recorded as such, so that a rerun need not look at their rows.
    private static let version5 = """
        ALTER TABLE trace ADD COLUMN reused INTEGER NOT NULL DEFAULT 0;
        """

    /// Runs that have all their results, until something of those changes.
    private static let version4 = """
        CREATE TABLE trace (run TEXT PRIMARY KEY NOT NULL, location TEXT NOT NULL, token BLOB NOT NULL);
        """

    /// What a value of a manifest stands for, a git tree's id or a folder's digest; and keys under which an attempt was
    /// accepted beside its own.
    private static let version3 = """
        CREATE TABLE detail (value TEXT PRIMARY KEY NOT NULL, content BLOB NOT NULL);
        CREATE TABLE accepted (
            key BLOB NOT NULL, attempt BLOB NOT NULL, PRIMARY KEY (key, attempt)) WITHOUT ROWID;
        CREATE INDEX accepted_attempt ON accepted (attempt);
        """

    /// `origin` is the attempt that one is a copy of, `arguments` is an array in JSON. One that must not be
    /// reused is so by its state as well: a bit that flips on the disk must not make it good.
    private static let version2 = """
        ALTER TABLE attempt ADD COLUMN origin BLOB;
        ALTER TABLE run ADD COLUMN arguments TEXT NOT NULL DEFAULT '[]';
        UPDATE attempt SET state = 'stale' WHERE state = 'success' AND NOT reusable;
        UPDATE attempt SET place = 'attic' WHERE place = 'gone';
        """

    /// Times are microseconds since 1970 UTC, of files nanoseconds; keys and UUIDs are their bytes.
    private static let version1 = """
        CREATE TABLE location (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
        CREATE TABLE run (
            name TEXT PRIMARY KEY NOT NULL, spec_name TEXT, file TEXT NOT NULL, location TEXT NOT NULL,
            state TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, exit_code INTEGER);
        CREATE TABLE task (
            run TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, state TEXT NOT NULL,
            attempt BLOB, note TEXT, PRIMARY KEY (run, name)) WITHOUT ROWID;
        CREATE INDEX task_name ON task (name);
        CREATE TABLE manifest (key BLOB PRIMARY KEY NOT NULL, fields BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE attempt (
            number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, key BLOB NOT NULL,
            location INTEGER NOT NULL REFERENCES location, task TEXT NOT NULL, run TEXT NOT NULL,
            state TEXT NOT NULL, place TEXT NOT NULL, reusable INTEGER NOT NULL, exit_code INTEGER,
            started INTEGER, ended INTEGER,
            status_inode INTEGER, status_size INTEGER, status_modified INTEGER, status_changed INTEGER);
        CREATE INDEX attempt_key ON attempt (key);
        CREATE INDEX attempt_standing ON attempt (location, task) WHERE place = 'standing';
        CREATE TABLE digest (
            path TEXT PRIMARY KEY NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
            modified INTEGER NOT NULL, changed INTEGER NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
        """
}
