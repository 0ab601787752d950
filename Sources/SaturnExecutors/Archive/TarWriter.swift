import Glibc
import SaturnCore

/// A tar archive (ustar, with GNU's long names) of folders and small files, made piece by piece as it is taken.
///
/// ```swift
/// let writer = TarWriter([.file("note", bytes), .folder("code", from: "/home/ada/exp", without: [".git"])])
/// while let piece = try writer.next() { send(piece) }
/// ```
/// A file that is shorter than it was when its header was made is filled up with zeros; files that cannot be read throw.
final class TarWriter {
    enum Source {
        case file(String, [UInt8])
        /// What is in a folder of this machine; `without` are names that are left out wherever they are, `paths` are paths
        /// below it.
        case folder(String, from: String, without: [String] = [], paths: [String] = [])
    }

    private struct Entry {
        var name: String
        var path: String
    }

    private var sources: ArraySlice<Source>
    private var left: (without: Set<String>, paths: Set<String>, root: Int) = ([], [], 0)
    /// Folders' entries that are to come, the next one last.
    private var pending: [Entry] = []
    private var file: (descriptor: Int32, rest: Int64, padding: Int)?
    private var isOver = false
    private static let block = 512
    private static let piece = 1 << 18

    init(_ sources: [Source]) { self.sources = sources[...] }

    deinit { if let file { close(file.descriptor) } }

    /// `nil` at the end.
    func next() throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < Self.piece {
            if file != nil {
                try readFile(into: &bytes)
            } else if let entry = pending.popLast() {
                try add(entry, &bytes)
            } else if let source = sources.popFirst() {
                begin(source, &bytes)
            } else if !isOver {
                isOver = true
                bytes += [UInt8](repeating: 0, count: 2 * Self.block)
            } else {
                break
            }
        }
        return bytes.isEmpty ? nil : bytes
    }

    private func begin(_ source: Source, _ bytes: inout [UInt8]) {
        switch source {
        case .file(let name, let content):
            Self.header(name, type: "0", mode: 0o644, size: Int64(content.count), &bytes)
            bytes += content + [UInt8](repeating: 0, count: Self.padding(Int64(content.count)))
        case .folder(let name, let path, let without, let paths):
            left = (Set(without), Set(paths), path.utf8.count + 1)
            pending = [Entry(name: name, path: path)]
        }
    }

    private func add(_ entry: Entry, _ bytes: inout [UInt8]) throws {
        var status = stat()
        guard RawName.with(entry.path, { lstat($0, &status) }) == 0 else {
            // It was there a moment ago.
            if errno == ENOENT { return }
            throw Failure.system("cannot read \(entry.path)")
        }
        let time = Int64(status.st_mtim.tv_sec)
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            Self.header(entry.name + "/", type: "5", mode: status.st_mode, time: time, &bytes)
            try list(entry)
        case S_IFLNK:
            var target = [UInt8](repeating: 0, count: 4096)
            let count = RawName.with(entry.path) { path in
                target.withUnsafeMutableBytes { buffer in
                    buffer.withMemoryRebound(to: CChar.self) { chars in
                        chars.baseAddress.map { readlink(path, $0, chars.count) } ?? -1
                    }
                }
            }
            guard count >= 0 else { throw Failure.system("cannot read the link \(entry.path)") }
            Self.header(
                entry.name, type: "2", mode: 0o777, time: time, link: RawName.text(target[..<count]), &bytes)
        case S_IFREG:
            let descriptor = RawName.with(entry.path) { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
            guard descriptor >= 0 else { throw Failure.system("cannot read \(entry.path)") }
            Self.header(entry.name, type: "0", mode: status.st_mode, size: Int64(status.st_size), time: time, &bytes)
            file = (descriptor, Int64(status.st_size), Self.padding(Int64(status.st_size)))
        default: break
        }
    }

    private func list(_ entry: Entry) throws {
        guard let folder = RawName.with(entry.path, { opendir($0) }) else {
            throw Failure.system("cannot read the folder \(entry.path)")
        }
        defer { closedir(folder) }
        while let found = readdir(folder) {
            let name = withUnsafePointer(to: found.pointee.d_name) {
                $0.withMemoryRebound(to: UInt8.self, capacity: 256) { name in
                    RawName.text(Array(UnsafeBufferPointer(start: name, count: strlen(name)))[...])
                }
            }
            let path = RawName.joined(entry.path, name)
            guard name != ".", name != "..", !left.without.contains(name),
                left.paths.isEmpty
                    || !left.paths.contains(String(decoding: path.utf8.dropFirst(left.root), as: UTF8.self))
            else { continue }
            pending.append(Entry(name: RawName.joined(entry.name, name), path: path))
        }
    }

    private func readFile(into bytes: inout [UInt8]) throws {
        guard let (descriptor, rest, padding) = file else { return }
        let wanted = Int(min(rest, Int64(Self.piece)))
        var buffer = [UInt8](repeating: 0, count: wanted)
        var count = 0
        while count < wanted {
            let more = buffer.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress.map { $0 + count }, wanted - count)
            }
            if more < 0, errno == EINTR { continue }
            guard more >= 0 else { throw Failure.system("cannot read a file that is to be shipped") }
            // Cut short meanwhile: the header is said.
            if more == 0 { break }
            count += more
        }
        bytes += buffer
        if rest > Int64(wanted) { return file = (descriptor, rest - Int64(wanted), padding) }
        close(descriptor)
        file = nil
        bytes += [UInt8](repeating: 0, count: padding)
    }

    private static func padding(_ size: Int64) -> Int { (block - Int(size % Int64(block))) % block }

    private static func header(
        _ name: String, type: Character, mode: mode_t, size: Int64 = 0, time: Int64 = 0, link: String = "",
        _ bytes: inout [UInt8]
    ) {
        let (name, link) = (RawName.bytes(name), RawName.bytes(link))
        for (type, long) in [("K" as Character, link), ("L", name)] where long.count > 100 {
            block("././@LongLink".utf8, type: type, mode: 0, size: Int64(long.count + 1), time: 0, [], &bytes)
            bytes += long + [UInt8](repeating: 0, count: 1 + padding(Int64(long.count + 1)))
        }
        block(name, type: type, mode: mode, size: size, time: time, link, &bytes)
    }

    private static func block(
        _ name: some Collection<UInt8>, type: Character, mode: mode_t, size: Int64, time: Int64, _ link: [UInt8],
        _ bytes: inout [UInt8]
    ) {
        var header = [UInt8](repeating: 0, count: block)
        func put(_ value: some Collection<UInt8>, _ place: Int, _ length: Int) {
            for (index, byte) in value.prefix(length).enumerated() { header[place + index] = byte }
        }
        func octal(_ value: Int64, _ digits: Int) -> [UInt8] {
            let text = String(max(0, value), radix: 8)
            return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
        }
        put(name, 0, 100)
        put(octal(Int64(mode & 0o777), 7), 100, 8)
        put(octal(0, 7), 108, 8)
        put(octal(0, 7), 116, 8)
        if size < 1 << 33 {
            put(octal(size, 11), 124, 12)
        } else {
            header[124] = 0x80
            put((0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * $0)) }, 128, 8)
        }
        put(octal(time, 11), 136, 12)
        put([UInt8](repeating: 32, count: 8), 148, 8)
        header[156] = type.asciiValue ?? 0
        put(link, 157, 100)
        put("ustar  ".utf8, 257, 8)
        put(octal(header.reduce(0) { $0 + Int64($1) }, 6) + [0, 32], 148, 8)
        bytes += header
    }
}
