import SaturnCore
import Testing

@Suite struct ShellTextTests {
    @Test(arguments: [
        ("python train.py --lr 0.5", ["python", "train.py", "--lr", "0.5"]),
        ("  ./run  \t a=b ", ["./run", "a=b"]),
        ("true", ["true"]),
        ("/bin/echo x", ["/bin/echo", "x"]),
        ("python -m pkg.mod key=1,2 user@host:50% +x", ["python", "-m", "pkg.mod", "key=1,2", "user@host:50%", "+x"]),
        ("mélange é", ["mélange", "é"]),
        ("timeout 5 train", ["timeout", "5", "train"]),
    ]) func simpleCommandsAreTheirWords(_ text: String, _ words: [String]) {
        #expect(ShellText.simpleWords(of: text) == words)
    }

    @Test(arguments: [
        "", "   ", "echo hi", "cd x", "exit 1", "set -e", ". ./env", ": nothing", "time train", "if true", "test -f x",
        "LR=1 train", "=x train", "train 'a b'", "train \"a\"", "train $LR", "train `x`", "train *.csv", "train ?",
        "train [ab]", "train | tee log", "train > log", "train < in", "train; next", "train && next", "train &",
        "(train)", "{ train", "train # note", "train ~/x", "!train", "one\ntwo", "train a\\ b", "train \u{7f}",
        "exec train", "export A=1", "trap x", "[ -f x ]", "train \r",
    ]) func whatTheShellMustReadIsNotSimple(_ text: String) {
        #expect(ShellText.simpleWords(of: text) == nil)
    }

    @Test(arguments: [
        ("python train.py", ["python", "train.py"]),
        ("", []), (" \t ", []),
        // Quotes.
        ("run 'a b' \"c d\" e' 'f", ["run", "a b", "c d", "e f"]),
        ("run '' \"\"", ["run", "", ""]),
        (#"run "a \"b\" \\ \n" 'c\'"#, ["run", #"a "b" \ \n"#, #"c\"#]),
        (#"run a\ b \'c"#, ["run", "a b", "'c"]),
        ("run a\\\nb", ["run", "ab"]),
        ("run 'never closed", ["run", "never closed"]),
        // Redirections and their targets.
        ("run < in > out.txt train.py", ["run", "train.py"]),
        ("run >out 2>err 2>&1 x", ["run", "x"]),
        ("run >> log a", ["run", "a"]),
        ("run 2> 'my log' a", ["run", "a"]),
        ("run &> log a", ["run", "a"]),
        ("run x2>log", ["run", "x2"]),
        ("run >& log a", ["run", "a"]),
        ("run <&0 a", ["run", "a"]),
        // Several commands.
        ("one a; two b", ["one", "a", "two", "b"]),
        ("one | two && three || four &", ["one", "two", "three", "four"]),
        ("(cd x\nrun)", ["cd", "x", "run"]),
        ("run >log; next", ["run", "next"]),
        // What is expanded stays as written.
        ("run $LR ${A} *.csv", ["run", "$LR", "${A}", "*.csv"]),
        ("A=1 B='2 3' run", ["A=1", "B=2 3", "run"]),
        ("é 'ü'x", ["é", "üx"]),
    ]) func wordsOfACommand(_ text: String, _ words: [String]) {
        #expect(ShellText.words(of: text) == words)
    }

    /// The two agree wherever no shell is needed.
    @Test(arguments: ["python train.py --lr 0.5", "./run  a=b,c:d", "x"])
    func simpleWordsAreWords(_ text: String) {
        #expect(ShellText.simpleWords(of: text) == ShellText.words(of: text))
    }

    @Test(arguments: [
        ("lr-0.5", "lr-0.5"), ("a b", "'a b'"), ("", "''"), ("it's", "'it'\\''s'"), ("$(x)", "'$(x)'"), ("é", "é"),
        ("a\nb", "'a\nb'"), ("*", "'*'"),
    ]) func quoted(_ word: String, _ text: String) {
        #expect(ShellText.quoted(word) == text)
    }

    @Test func options() {
        #expect(ShellText.option("--name", "a b") == "--name 'a b'")
        #expect(ShellText.option("--name", "-dash") == "--name=-dash")
    }
}
