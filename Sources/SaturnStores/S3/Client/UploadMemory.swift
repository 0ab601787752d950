import Glibc
import SaturnCore

/// Which uploads in parts are under way, in files of this machine: one that was cut off can be gone on with, when the content is
/// still the same.
struct UploadMemory: Sendable {
    let folder: String

    struct Upload: Hashable, Sendable {
        var id: String
        /// Of all that is sent.
        var sha256: String
    }

    private func path(_ key: String) -> String { "\(folder)/\(Digest(of: key.utf8).description.prefix(32))" }

    func upload(of key: String) -> Upload? {
        guard let bytes = (try? Files.read(path(key), limit: 1 << 16)) ?? nil else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        return lines.count == 2 ? Upload(id: lines[1], sha256: lines[0]) : nil
    }

    /// What cannot be written only saves time.
    func keep(_ upload: Upload, of key: String) {
        try? Files.makeFolders(folder)
        guard let opened = try? OpenFolder(folder) else { return }
        let name = String(path(key).dropFirst(folder.utf8.count + 1))
        try? opened.write("\(upload.sha256)\n\(upload.id)\n", to: name)
    }

    func forget(_ key: String) { unlink(path(key)) }
}
