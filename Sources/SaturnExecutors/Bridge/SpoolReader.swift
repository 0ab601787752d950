import Glibc
import SaturnCore

/// Reads what a bridge has left in its spool files, and deletes each when the next one has begun.
final class SpoolReader {
    private let folder: String
    private var number = 0
    private var file: Int32 = -1
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)

    init(_ folder: String) {
        self.folder = folder
    }

    deinit {
        if file >= 0 { close(file) }
        buffer.deallocate()
    }

    /// Hands over the bytes in pieces.
    func read(_ spool: Int, from: Int64, length: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        if spool != number { try open(spool) }
        var (position, rest) = (from, length)
        while rest > 0 {
            let count = pread(file, buffer.baseAddress, min(rest, buffer.count), off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw Failure(.engine, "the spool file \(path(spool)) is cut off", hint: "is the disk full?")
            }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            position += Int64(count)
            rest -= count
        }
    }

    private func open(_ spool: Int) throws {
        if file >= 0 {
            close(file)
            unlink(path(number))
        }
        file = Glibc.open(path(spool), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw Failure.system("cannot read the spool file \(path(spool))") }
        number = spool
    }

    private func path(_ spool: Int) -> String { "\(folder)/spool-\(spool)" }
}
