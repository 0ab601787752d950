extension String {
    /// Whether both are the same bytes: texts that only look alike, `é` in one character or in two, name two folders.
    public func hasSameBytes(as other: String) -> Bool {
        let answer =
            utf8.withContiguousStorageIfAvailable { mine in
                other.utf8.withContiguousStorageIfAvailable { mine.count == $0.count && mine.elementsEqual($0) } ?? nil
            } ?? nil
        return answer ?? utf8.elementsEqual(other.utf8)
    }
}
