import Glibc
import SaturnCore

/// Unpacks a tar archive (ustar, GNU's and pax's long names) as its bytes come.
///
/// ```swift
/// let reader = TarReader(try ResultsTree(workspace.results))
/// try reader.feed(bytes)
/// try reader.finish()
/// ```
/// Regular files, folders, links and further names of files are made; what else an archive may have in it is left out.
/// Owners are nobody's business, and neither are the bits beyond rwx.
final class TarReader {
    private enum State {
        case header
        /// Of a file: what is to come of it, and of the padding after it.
        case content(Int64, padding: Int)
        /// Of a long name, or pax records.
        case extra(UInt8, Int, padding: Int)
        case skipping(Int64)
        case ended
    }

    private let tree: ResultsTree
    private var state = State.header
    /// Of a header, or of an extra: what came so far.
    private var held: [UInt8] = []
    private var file: Int32 = -1
    private var entry = TarEntry()
    /// Paths of what was not made.
    private(set) var leftOut: [String] = []
    private var longName: [UInt8]?
    private var longLink: [UInt8]?
    private var longSize: Int64?
    private static let block = 512
    private static let longest = 1 << 20

    init(_ tree: ResultsTree) {
        self.tree = tree
    }

    deinit { if file >= 0 { close(file) } }

    func feed(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch state {
            case .header:
                take(&rest, upTo: Self.block)
                if held.count == Self.block { try begin() }
            case .extra(let type, let size, let padding):
                take(&rest, upTo: size + padding)
                if held.count == size + padding { try keep(type, held[..<size]) }
            case .content(let size, let padding):
                let part = rest.prefix(Int(min(size, Int64(rest.count))))
                try write(part)
                rest = rest.dropFirst(part.count)
                state = .content(size - Int64(part.count), padding: padding)
                if size == Int64(part.count) { try end(padding: padding) }
            case .skipping(let size):
                let count = min(size, Int64(rest.count))
                rest = rest.dropFirst(Int(count))
                state = size == count ? .header : .skipping(size - count)
            case .ended: return
            }
        }
    }

    /// Throws when the archive is not whole.
    func finish() throws {
        guard case .ended = state else { throw ArchiveProblem.malformed("they are cut off") }
        try tree.finish()
    }

    private func take(_ rest: inout Slice<UnsafeRawBufferPointer>, upTo count: Int) {
        let part = rest.prefix(count - held.count)
        held += part
        rest = rest.dropFirst(part.count)
    }

    private func begin() throws {
        defer { held = [] }
        guard held.contains(where: { $0 != 0 }) else { return state = .ended }
        entry = try TarEntry(header: held)
        if let longSize { entry.size = longSize }
        let padding = Int((Int64(Self.block) - entry.size % Int64(Self.block)) % Int64(Self.block))
        switch entry.type {
        case UInt8(ascii: "L"), UInt8(ascii: "K"), UInt8(ascii: "x"), UInt8(ascii: "g"):
            guard entry.size > 0, entry.size <= Int64(Self.longest) else {
                throw ArchiveProblem.malformed("they have a name of \(entry.size) bytes in them")
            }
            state = .extra(entry.type, Int(entry.size), padding: padding)
        default:
            if let longName { entry.name = longName }
            if let longLink { entry.link = longLink }
            (longName, longLink, longSize) = (nil, nil, nil)
            try make(padding: padding)
        }
    }

    private func make(padding: Int) throws {
        let path = try ResultsTree.components(entry.name)
        switch entry.type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
            guard let path else { throw ArchiveProblem.malformed("they have a file without a name in them") }
            file = try tree.makeFile(path)
            if entry.size == 0 { return try end(padding: 0) }
            return state = .content(entry.size, padding: padding)
        case UInt8(ascii: "5"):
            if let path { try tree.makeFolder(path, mode: entry.mode) }
        case UInt8(ascii: "2"):
            if let path { try tree.makeLink(path, to: entry.link) }
        case UInt8(ascii: "1"):
            if let path, let target = try ResultsTree.components(entry.link) { try tree.makeName(path, of: target) }
        default: leftOut.append((path ?? []).joined(separator: "/"))
        }
        let size = entry.type == UInt8(ascii: "5") || entry.type == UInt8(ascii: "2") ? 0 : entry.size
        state = size == 0 ? .header : .skipping(size + Int64(padding))
    }

    private func write(_ bytes: Slice<UnsafeRawBufferPointer>) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
                Glibc.write(file, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ArchiveProblem.system(String(decoding: entry.name, as: UTF8.self)) }
            rest = rest.dropFirst(count)
        }
    }

    private func end(padding: Int) throws {
        fchmod(file, entry.mode & 0o777)
        var times = [timespec(tv_sec: entry.time, tv_nsec: 0), timespec(tv_sec: entry.time, tv_nsec: 0)]
        futimens(file, &times)
        let problem = close(file) == 0 ? 0 : errno
        file = -1
        guard problem == 0 else {
            throw ArchiveProblem.disk(String(decoding: entry.name, as: UTF8.self), problem)
        }
        state = padding == 0 ? .header : .skipping(Int64(padding))
    }

    private func keep(_ type: UInt8, _ bytes: ArraySlice<UInt8>) throws {
        switch type {
        case UInt8(ascii: "L"): longName = Array(bytes.prefix { $0 != 0 })
        case UInt8(ascii: "K"): longLink = Array(bytes.prefix { $0 != 0 })
        case UInt8(ascii: "x"):
            for (name, value) in try PaxRecords.all(in: bytes) {
                switch name {
                case "path": longName = value
                case "linkpath": longLink = value
                case "size": longSize = Int64(String(decoding: value, as: UTF8.self))
                default: break
                }
            }
        default: break
        }
        held = []
        state = .header
    }
}

/// A header of 512 bytes, as POSIX has it.
struct TarEntry {
    var name: [UInt8] = []
    var link: [UInt8] = []
    var type: UInt8 = 0
    var mode: mode_t = 0
    var size: Int64 = 0
    /// Seconds since 1970.
    var time = 0

    init() {}

    init(header: [UInt8]) throws {
        let sum = header.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(header[$1])) }
        guard try Self.number(header[148..<156]) == Int64(sum) else {
            throw ArchiveProblem.malformed("they are no tar archive")
        }
        name = Self.text(header[0..<100])
        mode = mode_t(truncatingIfNeeded: try Self.number(header[100..<108]))
        size = try Self.number(header[124..<136])
        time = Int(try Self.number(header[136..<148]))
        type = header[156]
        link = Self.text(header[157..<257])
        // POSIX's, not GNU's, which has other things there.
        if header[257..<263].elementsEqual([117, 115, 116, 97, 114, 0]), header[345] != 0 {
            name = Self.text(header[345..<500]) + [UInt8(ascii: "/")] + name
        }
        guard size >= 0 else { throw ArchiveProblem.malformed("they have a file of \(size) bytes in them") }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    /// Octal digits, or, with the highest bit set, a big-endian number.
    private static func number(_ field: ArraySlice<UInt8>) throws -> Int64 {
        if let first = field.first, first & 0x80 != 0 {
            return field.dropFirst().suffix(8).reduce(0) { $0 << 8 | Int64($1) }
        }
        let digits = field.drop { $0 == 32 }.prefix { (48...55).contains($0) }
        guard digits.count <= 20 else { throw ArchiveProblem.malformed("they are no tar archive") }
        return digits.reduce(0) { $0 << 3 | Int64($1 - 48) }
    }
}

/// What precedes an entry: `LENGTH NAME=VALUE\n`, again and again.
enum PaxRecords {
    static func all(in bytes: ArraySlice<UInt8>) throws -> [(name: String, value: [UInt8])] {
        var rest = bytes
        var found: [(String, [UInt8])] = []
        while let space = rest.firstIndex(of: 32) {
            guard let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1,
                length <= rest.count
            else { throw ArchiveProblem.malformed("they are no tar archive") }
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            rest = rest.dropFirst(length)
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else { continue }
            found.append((String(decoding: record[..<equals], as: UTF8.self), Array(record[(equals + 1)...])))
        }
        return found
    }
}
