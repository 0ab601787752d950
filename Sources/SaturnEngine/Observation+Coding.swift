import SaturnCore

extension Observation {
    func write(to writer: inout ByteWriter) {
        switch self {
        case .variable(let name, let value):
            writer.put(name, 0)
            writer.put(value) { $0.put($1) }
        case .isSet(let name, let isSet):
            writer.put(name, 1)
            writer.put(isSet)
        case .machine(let machine): writer.put(machine, 2)
        case .program(let stamp):
            writer.put("", 3)
            writer.put(stamp)
        case .file(let path, let digest): writer.put(path, 4, digest)
        case .folder(let path, let real):
            writer.put(path, 5)
            writer.put(real) { $0.put($1) }
        case .matches(let pattern, let folder, let names):
            writer.put(pattern, 6)
            writer.put(folder)
            writer.put(names) { $0.put($1) }
        case .content(let path, let digest): writer.put(path, 7, digest)
        case .results(let path, let digest): writer.put(path, 8, digest)
        case .repository(let folder, let root):
            writer.put(folder, 9)
            writer.put(root) { $0.put($1) }
        case .code(let root, let selection, let tree, let commit):
            writer.put(root, 10)
            writer.put(selection)
            writer.put(tree)
            writer.put(commit) { $0.put($1) }
        case .covers(let path, let root, let isCovered):
            writer.put(path, 11)
            writer.put(root)
            writer.put(isCovered)
        case .words(let folder, let files, let others):
            writer.put(folder, 12)
            writer.put(files) { $0.put($1) }
            writer.put(others) { $0.put($1) }
        case .untracked(let root, let selection, let paths):
            writer.put(root, 13)
            writer.put(selection)
            writer.put(paths) { $0.put($1) }
        }
    }

    init(from reader: inout ByteReader) throws {
        let kind = try reader.number()
        let name = try reader.text()
        switch kind {
        case 0: self = .variable(name, try reader.optional { try $0.digest() })
        case 1: self = .isSet(name, try reader.flag())
        case 2: self = .machine(name)
        case 3: self = .program(try reader.stamp())
        case 4: self = .file(name, try reader.digest())
        case 5: self = .folder(name, try reader.optional { try $0.text() })
        case 6: self = .matches(pattern: name, folder: try reader.text(), try reader.list { try $0.text() })
        case 7: self = .content(name, try reader.digest())
        case 8: self = .results(name, try reader.digest())
        case 9: self = .repository(folder: name, root: try reader.optional { try $0.text() })
        case 10:
            self = .code(
                root: name, try reader.selection(), tree: try reader.text(),
                commit: try reader.optional { try $0.text() })
        case 11: self = .covers(path: name, root: try reader.text(), try reader.flag())
        case 12:
            self = .words(
                folder: name, files: try reader.list { try $0.text() }, others: try reader.list { try $0.text() })
        case 13: self = .untracked(root: name, try reader.selection(), try reader.list { try $0.text() })
        default: throw ByteReader.Damage()
        }
    }
}

extension ByteWriter {
    fileprivate mutating func put(_ name: String, _ kind: Int64) {
        put(kind)
        put(name)
    }

    fileprivate mutating func put(_ name: String, _ kind: Int64, _ digest: Digest) {
        put(name, kind)
        put(digest)
    }

    fileprivate mutating func put(_ stamp: FileStamp) {
        for number in [Int64(bitPattern: stamp.inode), stamp.size, stamp.modified, stamp.changed] { put(number) }
    }

    fileprivate mutating func put(_ selection: CodeSelection) {
        put(selection.excluded) { $0.put($1) }
        put(selection.pathspecs) { writer, pathspecs in writer.put(pathspecs) { $0.put($1) } }
    }
}

extension ByteReader {
    fileprivate mutating func stamp() throws -> FileStamp {
        FileStamp(
            inode: UInt64(bitPattern: try number()), size: try number(), modified: try number(), changed: try number())
    }

    fileprivate mutating func selection() throws -> CodeSelection {
        CodeSelection(
            excluding: try list { try $0.text() },
            pathspecs: try optional { reader in try reader.list { try $0.text() } })
    }
}
