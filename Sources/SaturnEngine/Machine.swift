import Glibc

/// This machine, and this start of it.
public enum Machine {
    public static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
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
