import Glibc
import SaturnCore

/// Small files, whole; what cannot be read is empty.
enum FileReader {
    static func bytes(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "re") else { throw Failure(.fault, "\(path) cannot be read") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes.prefix(count))
    }

    static func text(_ path: String) -> String { String(decoding: (try? bytes(of: path)) ?? [], as: UTF8.self) }

    static func write(_ text: String, to path: String) -> Bool {
        guard let file = fopen(path, "we") else { return false }
        let count = fwrite(Array(text.utf8), 1, text.utf8.count, file)
        return fclose(file) == 0 && count == text.utf8.count
    }
}
