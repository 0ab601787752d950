import CSystem
import Glibc
import SaturnCore

/// The way into the log for a task that was handed secrets: a pipe whose bytes are masked before they are written.
///
/// Only such tasks pay for it; all others write into their log themselves.
final class MaskedLog {
    /// What the task writes into.
    private(set) var input: Int32
    /// Ready when there is something to copy.
    let output: Int32
    private let log: Int32
    private var mask: SecretMask
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    /// `nil`, and errno is set, when there are no descriptors left.
    ///
    /// - Parameter log: a descriptor of the log; a duplicate is kept.
    init?(log: Int32, secrets: [Variable]) {
        let copy = fcntl(log, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { return nil }
        var ends: [Int32] = [-1, -1]
        guard csystem_pipe(&ends) == 0 else {
            let problem = errno
            close(copy)
            errno = problem
            return nil
        }
        (output, input) = (ends[0], ends[1])
        self.log = copy
        mask = SecretMask(secrets.map(\.value))
    }

    deinit {
        closeInput()
        close(output)
        close(log)
    }

    /// To be called when the task has its own copy.
    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    enum Flow {
        case copied, empty, ended
    }

    /// Copies some of what there is.
    func copy() -> Flow {
        let count = read(output, &buffer, buffer.count)
        if count == 0 { return .ended }
        guard count > 0 else { return .empty }
        put(mask.feed(buffer[..<count]))
        return .copied
    }

    /// Copies what is left, when all who could write have ended.
    func finish() {
        // No more than a pipe holds: whoever has escaped and still writes is not followed for ever.
        var rest = Self.capacity
        while rest > 0, copy() == .copied { rest -= buffer.count }
        put(mask.finish())
    }

    /// The largest that a task can make its pipe, unless it is root's.
    private static let capacity = 1 << 20

    private func put(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(log, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // A full disk: the log is cut short, as it is for a task that writes itself.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
