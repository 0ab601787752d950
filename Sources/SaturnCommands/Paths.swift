import Glibc
import SaturnCore

/// Paths as the commands need them.
enum Paths {
    /// The folder that this program was started in, as long as this is asked for before it is left.
    static let origin = try? current()

    static func current() throws -> String {
        guard let path = getcwd(nil, 0) else {
            throw Failure(.usage, "the current folder cannot be found: \(String(cString: strerror(errno)))")
        }
        defer { free(path) }
        return String(cString: path)
    }

    /// Absolute, links resolved where the path exists.
    static func absolute(_ path: String) throws -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        return path.hasPrefix("/") ? path : "\(try current())/\(path)"
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// The last component without its ending.
    static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }
}
