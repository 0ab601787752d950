import GRDBSQLite
import Glibc
import SaturnCore

/// A row's value is not there, or means nothing.
struct Unreadable: Error {}

/// The row that a statement stands at, read column by column as SQLite has it: where there are thousands of rows, GRDB's
/// own decoding takes most of the time.
struct Columns {
    let statement: OpaquePointer

    private func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    func integer(_ column: Int32) throws -> Int64 {
        guard !isNull(column) else { throw Unreadable() }
        return sqlite3_column_int64(statement, column)
    }

    func optionalInteger(_ column: Int32) -> Int64? {
        isNull(column) ? nil : sqlite3_column_int64(statement, column)
    }

    func text(_ column: Int32) throws -> String {
        guard let text = sqlite3_column_text(statement, column) else { throw Unreadable() }
        return String(cString: text)
    }

    func optionalText(_ column: Int32) -> String? {
        sqlite3_column_text(statement, column).map { String(cString: $0) }
    }

    /// Compared where it is: of most rows it is known what they say.
    func isText(_ column: Int32, _ text: String) -> Bool {
        var text = text
        return text.withUTF8 { text in
            guard let found = sqlite3_column_text(statement, column) else { return false }
            guard Int(sqlite3_column_bytes(statement, column)) == text.count else { return false }
            guard let start = text.baseAddress else { return true }
            return memcmp(found, start, text.count) == 0
        }
    }

    /// `last` itself where the text is the same: most rows name one run.
    func text(_ column: Int32, last: String?) throws -> String {
        if let last, isText(column, last) { return last }
        return try text(column)
    }

    /// Valid until the statement goes on.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer? {
        guard let start = sqlite3_column_blob(statement, column) else { return nil }
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    }

    func attempt(_ column: Int32) throws -> AttemptID {
        guard let id = bytes(column).flatMap({ AttemptID(raw: $0) }) else { throw Unreadable() }
        return id
    }

    func digest(_ column: Int32) throws -> Digest {
        guard let digest = bytes(column).flatMap({ Digest(raw: $0) }) else { throw Unreadable() }
        return digest
    }

    /// Four columns.
    func stamp(from column: Int32) throws -> FileStamp {
        FileStamp(
            inode: UInt64(bitPattern: try integer(column)), size: try integer(column + 1),
            modified: try integer(column + 2), changed: try integer(column + 3))
    }

    func exitCode(_ column: Int32) throws -> Int32? {
        guard let number = optionalInteger(column) else { return nil }
        guard let code = Int32(exactly: number) else { throw Unreadable() }
        return code
    }
}
