import ArgumentParser
import Testing

@testable import SaturnCommands

/// Where the short way and ArgumentParser both know a command line, they make the same of it.
@Suite("Plain words")
struct PlainWordsTests {
    @Test(
        arguments: [
            "plan", "run", "plan sweep.yaml", "run sweep.yaml more.yaml", "plan --json", "run -f", "run --force --json",
            "run -j 4", "run --jobs 12", "run a.yaml -j 2 --name x", "plan --name x a.yaml", "run -C dir",
            "plan -C dir --state s a.yaml", "run --json --json", "plan a.yaml --force b.yaml", "plan é.yaml",
        ])
    func theSameAsArgumentParser(line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let command = try #require(PlainWords.command(words))
        let parsed = try SaturnCommand.parseAsRoot(words)
        #expect(type(of: command) == type(of: parsed))
        // A field that is not set would show here.
        #expect("\(command)" == "\(parsed)")
        #expect(!"\(command)".contains("definition"))
    }

    @Test(
        arguments: [
            "", "list", "help", "--version", "plan --help", "plan -h", "run -n", "run --detach", "plan --exit-code",
            "run a b c", "run --name", "run --name -x", "run --name=x", "run -j4", "run -j 0", "run -j x", "run -j -1",
            "run -j 1 --jobs 2", "run --name a --name b", "run -- a", "run -", "run --forc", "run -fj 2",
            "plan --only x", "plan --set a=b", "plan --require-clean", "--name x run",
        ])
    func theRestIsLeftToIt(line: String) {
        #expect(PlainWords.command(line.split(separator: " ").map(String.init)) == nil)
    }

    @Test func anEmptyWordIsLeftToIt() {
        #expect(PlainWords.command(["plan", ""]) == nil)
        #expect(PlainWords.command(["plan", "--name", ""]) == nil)
    }
}
