import SaturnCore
import Testing

@Suite struct FolderListingTests {
    private func listing(_ entries: (FolderListing.Kind, String, String)...) throws -> FolderListing {
        try #require(FolderListing(decoding: entries.flatMap { FolderListing.text($0.0, $0.1, $0.2) }))
    }

    @Test func filesComeGoAndChange() throws {
        let old = try listing(
            (.file, "a.csv", "1"), (.folder, "deep", ""), (.file, "deep/b.csv", "1"), (.file, "gone", "1"),
            (.link, "l", "a.csv"))
        let new = try listing(
            (.file, "a.csv", "2"), (.folder, "deep", ""), (.file, "deep/b.csv", "1"), (.file, "new", "1"),
            (.link, "l", "new"))
        #expect(
            old.differences(to: new) == [
                FileChange("a.csv", .changed), FileChange("gone", .removed), FileChange("l", .changed),
                FileChange("new", .added),
            ])
        #expect(old.differences(to: old) == [])
    }

    @Test func thatAFileCanBeExecutedIsAChange() throws {
        #expect(
            try listing((.file, "a", "1")).differences(to: listing((.executable, "a", "1")))
                == [FileChange("a", .changed)])
    }

    @Test func aNewFolderIsToldByItsFiles() throws {
        let old = try listing()
        let new = try listing((.folder, "sub", ""), (.file, "sub/x", "1"))
        #expect(old.differences(to: new) == [FileChange("sub/x", .added)])
        #expect(old.differences(to: try listing((.folder, "sub", ""))) == [FileChange("sub", .added)])
    }

    @Test func aFileThatBecomesAFolder() throws {
        let old = try listing((.file, "x", "1"))
        let new = try listing((.folder, "x", ""), (.file, "x/y", "1"))
        #expect(old.differences(to: new) == [FileChange("x", .changed), FileChange("x/y", .added)])
    }

    /// Swift calls these names equal; they are two files.
    @Test func namesThatOnlyLookAlike() throws {
        let old = try listing((.file, "e\u{301}", "1"), (.file, "\u{e9}", "1"))
        let new = try listing((.file, "e\u{301}", "1"), (.file, "\u{e9}", "2"))
        let found = old.differences(to: new)
        #expect(found.map { Array($0.path.utf8) } == [Array("\u{e9}".utf8)])
    }

    @Test(arguments: ["x", "f\0a", "f\0a\0", "f\0a\0001", "?\0a\0001\0", "f\0a\0001\0f\0"])
    func bytesThatAreNoListing(_ text: String) {
        #expect(FolderListing(decoding: Array(text.utf8)) == nil)
    }

    @Test func anEmptyFolder() throws {
        #expect(try #require(FolderListing(decoding: [])).differences(to: listing()) == [])
    }
}
