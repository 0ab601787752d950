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

    /// `nil` when there are no descriptors left.
    ///
    /// - Parameter log: a descriptor of the log; a duplicate is kept.
    init?(log: Int32, secrets: [Variable]) {
        var ends: [Int32] = [-1, -1]
        guard csystem_pipe(&ends) == 0 else { return nil }
        (output, input) = (ends[0], ends[1])
        self.log = fcntl(log, F_DUPFD_CLOEXEC, 3)
        mask = SecretMask(secrets.map(\.value))
    }

    deinit {
        closeInput()
        close(output)
        if log >= 0 { close(log) }
    }

    /// To be called when the task has its own copy.
    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Copies some of what there is; `false` when nothing more will come, or nothing is there now.
    @discardableResult
    func copy() -> Bool {
        let count = read(output, &buffer, buffer.count)
        guard count > 0 else { return false }
        put(mask.feed(buffer[..<count]))
        return true
    }

    /// Copies what is left, when all who could write have ended.
    func finish() {
        while copy() {}
        put(mask.finish())
    }

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
