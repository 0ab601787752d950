/// The `status` files of many tasks, in little room: a run may have a hundred thousand.
///
/// One entry is the task's name with a zero at its end, then the four numbers of the ``FileStamp``, little-endian.
public struct StatusList: Hashable, Sendable {
    public private(set) var bytes: [UInt8]
    public private(set) var count: Int
    private static let stampSize = 32

    public init() {
        bytes = []
        count = 0
    }

    /// `nil` unless `bytes` are `count` entries and nothing else.
    public init?(bytes: [UInt8], count: Int) {
        self.bytes = bytes
        self.count = count
        var entries = 0
        let isWhole = bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while let end = rest.firstIndex(of: 0), rest.endIndex - end > Self.stampSize {
                rest = rest[(end + 1 + Self.stampSize)...]
                entries += 1
            }
            return rest.isEmpty
        }
        guard isWhole, entries == count else { return nil }
    }

    public mutating func reserveCapacity(_ tasks: Int) { bytes.reserveCapacity(tasks * (Self.stampSize + 16)) }

    /// - Parameter task: without a zero in it, as all names of tasks.
    public mutating func append(_ task: String, _ stamp: FileStamp) {
        bytes.append(contentsOf: task.utf8)
        bytes.append(0)
        for number in [Int64(bitPattern: stamp.inode), stamp.size, stamp.modified, stamp.changed] {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        count += 1
    }

    /// Calls `body` with the bytes of each name, without the zero that follows them, until it says `false`.
    public func allSatisfy(
        _ body: (_ name: UnsafeRawBufferPointer, _ stamp: FileStamp) throws -> Bool
    ) rethrows -> Bool {
        try bytes.withUnsafeBytes { buffer in
            var start = 0
            for _ in 0..<count {
                var end = start
                while buffer[end] != 0 { end += 1 }
                let name = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                guard try body(name, Self.stamp(buffer, at: end + 1)) else { return false }
                start = end + 1 + Self.stampSize
            }
            return true
        }
    }

    private static func stamp(_ buffer: UnsafeRawBufferPointer, at offset: Int) -> FileStamp {
        func number(_ index: Int) -> UInt64 {
            UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset + 8 * index, as: UInt64.self))
        }
        return FileStamp(
            inode: number(0), size: Int64(bitPattern: number(1)), modified: Int64(bitPattern: number(2)),
            changed: Int64(bitPattern: number(3)))
    }
}

extension ResultStore {
    public func stand(_ statuses: StatusList) throws -> Bool {
        try statuses.allSatisfy { name, stamp in
            try look(at: .standing(task: String(decoding: name, as: UTF8.self))) == .status(stamp)
        }
    }
}
