import Glibc
import SaturnTesting
import Testing

@testable import SaturnExecutors

/// Archives of real tools, in pieces of any size, and hostile ones.
@Suite struct TarReaderTests {
    private let space: TestSpace

    init() throws {
        space = try TestSpace()
        for folder in ["made", "unpacked", "outside"] { space.makeFolder(folder) }
    }

    private func unpack(_ archive: String, pieces: Int = 1 << 20) throws {
        let reader = TarReader(try ResultsTree(space.path("unpacked")))
        let bytes = try space.readBytes(archive)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { try reader.feed($0) }
        }
        try reader.finish()
    }

    private func shell(_ script: String) throws -> String {
        let done = try space.run(["/bin/sh", "-ec", script])
        try #require(done.status == 0, "\(done.stderr)")
        return done.stdout
    }

    private static let content = """
        cd made; mkdir -p 'sub dir/deep' empty; printf 1 > ' '; printf 2 > -rf; : > nothing
        printf 3 > "$(printf '%0250d' 0)"; mkdir -p "$(printf 'a%0120d' 0)/$(printf 'b%0120d' 0)"
        printf 4 > "$(printf 'a%0120d' 0)/$(printf 'b%0120d' 0)/c"; ln -s "$(printf '%0200d' 0)" 'a link'
        printf 5 > "$(printf '\\377\\376')"; head -c 100000 /dev/urandom > 'sub dir/deep/data'; printf 6 > first; ln first second
        chmod 600 nothing; chmod 755 -- -rf; chmod 700 empty; cd ..

        """

    @Test(arguments: ["gnu", "pax", "oldgnu"], [1, 511, 512, 1 << 20]) func archivesOfTar(
        _ format: String, _ pieces: Int
    ) throws {
        // Names that are no text, which the space cannot remove.
        defer { _ = try? shell("rm -rf made unpacked") }
        _ = try shell(Self.content + "tar -C made --format \(format) -cf archive.tar .")
        try unpack("archive.tar", pieces: pieces)
        #expect(try shell("diff -r --no-dereference made unpacked") == "")
        let modes = "LC_ALL=C find . -printf '%y %m %s %P %l\\0' | grep -zv '^d .* $' | LC_ALL=C sort -z | cksum"
        #expect(try shell("cd made; \(modes)") == shell("cd unpacked; \(modes)"))
    }

    @Test(arguments: ["GNU_FORMAT", "PAX_FORMAT", "USTAR_FORMAT"]) func archivesOfPython(_ format: String) throws {
        _ = try shell(
            "cd made; mkdir sub; printf 1 > sub/a; printf 2 > é; ln -s ../../outside link; head -c 70000 /dev/zero > z")
        let script =
            "import tarfile; t = tarfile.open('archive.tar', 'w', format=tarfile.\(format)); t.add('made', '.'); t.close()"
        let made = try space.run(["python3", "-c", script])
        #expect(made.status == 0, "\(made.stderr)")
        try unpack("archive.tar", pieces: 777)
        #expect(try shell("diff -r --no-dereference made unpacked") == "")
    }

    /// Whatever it is, nothing comes to be outside.
    @Test(arguments: [
        "add(name='../outside/x')", "add(name='/tmp/saturn-planted')", "add(name='a/../../outside/x')",
        "link('d', '../outside'); add(name='d/x')", "link('x', '../outside/x'); add(name='x')",
        "add(name='x', type=tarfile.LNKTYPE, linkname='../outside/there')",
        "add(name='x', type=tarfile.LNKTYPE, linkname='/etc/passwd')", "link('d', '../outside'); folder('d/e')",
    ]) func nothingGetsOut(_ what: String) throws {
        try space.write("outside/there", "untouched")
        let script = """
            import io, tarfile
            t = tarfile.open('archive.tar', 'w')
            def add(name, type=tarfile.REGTYPE, linkname=''):
                info = tarfile.TarInfo(name); info.size = 3 if type == tarfile.REGTYPE else 0
                info.type = type; info.linkname = linkname
                t.addfile(info, io.BytesIO(b'bad'))
            def link(name, target): add(name, tarfile.SYMTYPE, target)
            def folder(name): add(name, tarfile.DIRTYPE)
            \(what)
            t.close()
            """
        let made = try space.run(["python3", "-c", script])
        try #require(made.status == 0, "\(made.stderr)")
        _ = try? unpack("archive.tar")
        #expect(try space.list("outside") == ["there"])
        #expect(try space.read("outside/there") == "untouched")
        #expect(!space.exists("/tmp/saturn-planted"))
        #expect(try shell("find unpacked -type f | wc -l") <= "1\n")
    }

    @Test func devicesAndPipesAreLeftOut() throws {
        _ = try shell("cd made; mkfifo pipe; printf 1 > file; cd ..; tar -C made -cf archive.tar .")
        try unpack("archive.tar")
        #expect(try space.list("unpacked") == ["file"])
    }

    @Test func setuidIsTakenAway() throws {
        _ = try shell("cd made; printf 1 > file; chmod 6755 file; cd ..; tar -C made -cf archive.tar .")
        try unpack("archive.tar")
        #expect(try space.mode("unpacked/file") & 0o7777 == 0o755)
    }

    /// At any length, it is an error or it is whole.
    @Test func cutOff() throws {
        _ = try shell("cd made; printf 1 > a; head -c 600 /dev/zero > b; cd ..; tar -C made -cf whole.tar a b")
        let whole = try space.readBytes("whole.tar")
        for length in stride(from: 0, to: whole.count, by: 97) {
            space.remove("unpacked")
            space.makeFolder("unpacked")
            try space.write("archive.tar", Array(whole[..<length]))
            do {
                try unpack("archive.tar")
                #expect(try space.list("unpacked").sorted() == ["a", "b"], "\(length) bytes")
            } catch is ArchiveProblem {}
        }
    }

    /// A byte of the header flipped.
    @Test func damaged() throws {
        _ = try shell("cd made; printf 1 > a; cd ..; tar -C made -cf archive.tar a")
        let whole = try space.readBytes("archive.tar")
        // What follows the digits of the sum itself says nothing.
        for position in stride(from: 0, to: 512, by: 7) where position != 154 {
            var bytes = whole
            bytes[position] ^= 0x41
            try space.write("archive.tar", bytes)
            #expect(throws: ArchiveProblem.self, "\(position)") { try unpack("archive.tar") }
        }
    }
}
