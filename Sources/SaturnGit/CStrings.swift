extension Collection<UInt8> {
    /// The bytes as a C string for the time of `body`; paths hold no zero.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        var text: [CChar] = []
        text.reserveCapacity(count + 1)
        for byte in self { text.append(CChar(bitPattern: byte)) }
        text.append(0)
        return try body(text)
    }
}
