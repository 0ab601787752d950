import Glibc
import SaturnCore
import SaturnEngine

/// Where the run file of a ``CommandLineSweep`` is kept.
struct SweepFile {
    let path: String
    /// It is there for this command alone.
    let isTemporary: Bool

    /// In the project's state folder, under a name that tells the content: a sweep that runs keeps its file whatever is
    /// typed meanwhile.
    init(_ sweep: CommandLineSweep, in state: StateFolder, from folder: String) throws {
        isTemporary = false
        let text = sweep.runFile(workdir: Self.relative(folder, from: Self.folder(in: state)))
        let digest = Digest(of: text.utf8).description.prefix(12)
        path = "\(Self.folder(in: state))\(sweep.name)-\(digest).yaml"
        try state.create()
        try state.keep(text, as: path)
    }

    /// Elsewhere: only to be looked at.
    init(temporary sweep: CommandLineSweep, from folder: String) throws {
        isTemporary = true
        let text = sweep.runFile(workdir: folder)
        var template = Array("\(Environment.dictionary["TMPDIR"] ?? "/tmp")/saturn-XXXXXX.yaml".utf8CString)
        let file = mkstemps(&template, 5)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard file >= 0 else { throw Failure(.engine, "cannot make \(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        guard write(file, text, text.utf8.count) == text.utf8.count else {
            throw Failure(.engine, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    static func isOne(_ path: String, in state: StateFolder) -> Bool { path.hasPrefix(folder(in: state)) }

    private static func folder(in state: StateFolder) -> String { state.path + "/sweeps/" }

    func remove() { if isTemporary { unlink(path) } }

    /// Both absolute, without links.
    static func relative(_ path: String, from folder: String) -> String {
        let (to, from) = (path.split(separator: "/"), folder.split(separator: "/"))
        let shared = zip(to, from).prefix { $0 == $1 }.count
        let parts = Array(repeating: "..", count: from.count - shared) + to[shared...].map(String.init)
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }
}
