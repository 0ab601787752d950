import SaturnCore
import Testing

@Suite struct FilterTests {
    @Test(arguments: ["true", "input"])
    func lineEndingsAreNormalised(_ autocrlf: String) throws {
        let repository = try TestRepository()
        try repository.commit(["unix": "1\n2\n", "dos": "1\r\n2\r\n", "binary": "1\r\n\0\r\n"])
        try repository.git("config", "core.autocrlf", autocrlf)
        try repository.write("unix", "1\r\n3\r\n")
        try repository.write("dos", "1\r\n3\r\n")
        try repository.write("binary", "3\r\n\0\r\n")
        try repository.write("new", "3\r\n")
        try repository.git(["-c", "core.safecrlf=false", "add", "-N", "new"])
        try repository.expectOracle()
        try repository.write("unix", "1\r\n2\r\n")
        try repository.expectOracle()
    }

    @Test func attributesAreHonoured() throws {
        let repository = try TestRepository()
        try repository.commit([
            ".gitattributes": "*.txt text\n*.bin -text\n*.id ident\nsub/*.txt -text\n", "a.txt": "1\n", "b.bin": "1\n",
            "c.id": "$Id$\n", "sub/d.txt": "1\n",
        ])
        for name in ["a.txt", "b.bin", "sub/d.txt"] { try repository.write(name, "2\r\n") }
        try repository.write("c.id", "$Id: 0123 $ changed\n")
        try repository.expectOracle()
        try repository.write("sub/.gitattributes", "*.txt text\n")
        try repository.write("sub/d.txt", "3\r\n")
        try repository.expectOracle()
    }

    /// A filter that writes what `git lfs clean` writes, for the oracle.
    private static let clean = """
        s=$(cat; echo .); s=${s%.}; case $s in version*|'') printf %s "$s"; exit;; esac; \
        printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%s\\nsize %s\\n' \
        "$(printf %s "$s" | sha256sum | cut -d' ' -f1)" "$(printf %s "$s" | wc -c)"
        """

    @Test func largeFilesCountByTheirPointer() throws {
        let repository = try TestRepository()
        try repository.git("config", "filter.lfs.clean", Self.clean)
        try repository.commit([".gitattributes": "*.big filter=lfs -text\n", "a.big": "weights\n", "empty.big": ""])
        #expect(try repository.git("show", ":a.big").hasPrefix("version"))
        try repository.remove("a.big")
        try repository.write("a.big", "weights\n")
        #expect(try !repository.state().provenance.dirty)
        try repository.write("a.big", "other weights\r\n")
        try repository.expectOracle()
        try repository.write("a.big", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
        try repository.expectOracle()
    }

    @Test func withoutLFSItsAttributeMeansNothing() throws {
        let repository = try TestRepository()
        try repository.commit([".gitattributes": "*.big filter=lfs -text\n", "a.big": "weights\n"])
        try repository.write("a.big", "other\n")
        try repository.expectOracle()
    }
}
