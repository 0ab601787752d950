import Foundation
import GRDB
import SaturnCore

// Records from rows and back; a row that cannot be read is left out, as if it had never been written.

typealias Data = Foundation.Data

extension Digest {
    var data: Data { Data(bytes) }
}

extension AttemptID {
    var data: Data { Data(bytes) }
}

extension AttemptRecord {
    init?(_ row: Row) {
        guard let id = AttemptID(bytes: row[0] as Data), let key = TaskKey(bytes: row[1] as Data),
            let state = State(rawValue: row[5]), let place = Place(rawValue: row[6])
        else { return nil }
        self.init(id: id, key: key, location: row[2], task: row[3], run: row[4], state: state, place: place)
        reusable = row[7]
        exitCode = row[8]
        started = (row[9] as Int64?).map(Timestamp.init)
        ended = (row[10] as Int64?).map(Timestamp.init)
        if let inode = row[11] as Int64? {
            stamp = FileStamp(
                inode: UInt64(bitPattern: inode), size: row[12] ?? 0, modified: row[13] ?? 0, changed: row[14] ?? 0)
        }
    }
}

extension RunRecord {
    init?(_ row: Row) {
        guard let state = State(rawValue: row[4]) else { return nil }
        self.init(
            name: row[0], specName: row[1], file: row[2], location: row[3], state: state,
            started: Timestamp(microseconds: row[5]))
        ended = (row[6] as Int64?).map(Timestamp.init)
        exitCode = row[7]
    }
}

extension TaskRecord {
    init?(_ row: Row) {
        guard let state = TaskState(rawValue: row[2]) else { return nil }
        self.init(
            name: row[0], index: row[1], state: state,
            attempt: (row[3] as Data?).flatMap { AttemptID(bytes: $0) }, note: row[4])
    }
}

extension DigestRecord {
    init?(_ row: Row) {
        guard let digest = Digest(bytes: row[5] as Data) else { return nil }
        self.init(
            path: row[0],
            stamp: FileStamp(
                inode: UInt64(bitPattern: row[1]), size: row[2], modified: row[3], changed: row[4]),
            digest: digest)
    }
}
