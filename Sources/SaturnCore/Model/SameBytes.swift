import Glibc

extension String {
    /// Whether both are the same bytes: texts that only look alike, `é` in one character or in two, name two folders.
    public func hasSameBytes(as other: String) -> Bool {
        let answer =
            utf8.withContiguousStorageIfAvailable { mine in
                other.utf8.withContiguousStorageIfAvailable { theirs -> Bool in
                    guard mine.count == theirs.count else { return false }
                    guard let start = mine.baseAddress, let other = theirs.baseAddress else { return true }
                    return memcmp(start, other, mine.count) == 0
                } ?? nil
            } ?? nil
        return answer ?? utf8.elementsEqual(other.utf8)
    }
}
