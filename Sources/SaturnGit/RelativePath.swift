/// Paths relative to a repository's root, as users write them.
enum RelativePath {
    /// The components of `path` with `.`, `..` and doubled slashes resolved by text; `nil` when it leaves the root.
    static func components(of path: String) -> [ArraySlice<UInt8>]? {
        let bytes = Array(path.utf8)
        guard bytes.first != UInt8(ascii: "/") else { return nil }
        var components: [ArraySlice<UInt8>] = []
        for part in bytes.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                guard components.popLast() != nil else { return nil }
            } else {
                components.append(part)
            }
        }
        return components
    }
}
