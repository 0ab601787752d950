import Glibc
import SaturnTesting

/// Ports of this machine.
enum Loopback {
    /// Until somebody listens on the port.
    static func wait(for port: Int, of process: ChildProcess, _ name: String) throws {
        for _ in 0..<600 {
            if answers(port) { return }
            guard kill(process.pid, 0) == 0 else { break }
            poll(nil, 0, 50)
        }
        throw ChildProcess.Problem("\(name) does not listen on \(port)")
    }

    static func answers(_ port: Int) -> Bool {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        return withAddress(port) { connect(fd, $0, $1) == 0 }
    }

    static func freePort() throws -> Int {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        guard withAddress(0, { bind(fd, $0, $1) == 0 }) else { throw ChildProcess.Problem("bind", errno) }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let found = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &size) == 0 }
        }
        guard found else { throw ChildProcess.Problem("getsockname", errno) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
