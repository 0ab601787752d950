import Glibc

/// This machine, and this start of it.
public enum Machine {
    public static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }()

    /// Of mounts: a path means the same to all processes of one of them.
    static let namespace: String = {
        var text = [CChar](repeating: 0, count: 128)
        let count = readlink("/proc/self/ns/mnt", &text, text.count - 1)
        return count > 0 ? String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
    }()

    /// The kernel's id of the time since the machine was started; what was written before and never synced may be lost.
    public static let boot: String = {
        #if DEBUG
            // Lets a test play a machine that went down.
            if let id = getenv("SATURN_TEST_BOOT_ID") { return String(cString: id) }
        #endif
        let bytes = FileBytes.read("/proc/sys/kernel/random/boot_id", limit: 64) ?? []
        return String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isWhitespace })
    }()
}
