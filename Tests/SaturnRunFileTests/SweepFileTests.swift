import SaturnCore
import Testing

/// Values from CSV and JSON-lines files.
@Suite struct SweepFileTests {
    private func assignments(_ reading: Reading) -> [String] {
        reading.spec.tasks.map { $0.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
    }

    private func read(_ sweep: String, _ path: String, _ text: String) -> Reading {
        Reading("tasks:\n- command: x\n  sweep: \(sweep)\n", files: [path: text])
    }

    @Test func csv() {
        let reading = read(
            "{zip: {file: params.csv}}", "params.csv",
            "\u{FEFF}lr,note,\"x\"\r\n0.10,\"a, \"\"b\"\"\nc\",\r\n\r\n\n no ,5\" pipe,\"\"\n1,z,w")
        #expect(reading.problems == [])
        #expect(
            assignments(reading) == ["lr=0.10 note=a, \"b\"\nc x=", "lr= no  note=5\" pipe x=", "lr=1 note=z x=w"])
        #expect(reading.result.sweepFiles == ["params.csv"])
        #expect(reading.result.sources.count == 1)
    }

    @Test func tabsAndJSONLines() {
        let tabs = read("{zip: {file: p.tsv, more: [x, y]}}", "p.tsv", "a\tb\n1,5\t2\n3\t4\n")
        #expect(tabs.problems == [])
        #expect(assignments(tabs) == ["a=1,5 b=2 more=x", "a=3 b=4 more=y"])

        for path in ["p.jsonl", "p.ndjson"] {
            let lines = read(
                "{zip: {file: \(path)}, grid: {g: [0]}}", path,
                #"""
                {"a": 0.10, "b": "q\"\\\/\n\u00e9\ud83d\ude00", "c": true}

                 { "c" : false , "a":-1.5E+3, "b":"" }
                """# + "\r\n")
            #expect(lines.problems == [])
            #expect(assignments(lines) == ["g=0 a=0.10 b=q\"\\/\né😀 c=true", "g=0 a=-1.5E+3 b= c=false"])
        }
    }

    @Test func oneColumn() {
        let files = ["lrs.csv": "lr,seed\n0.1,1\n0.2,1\n", "dir/values.txt": "lr\n5\n"]
        let reading = Reading(
            """
            tasks:
              - {name: a, command: x, sweep: {grid: {lr: {file: lrs.csv}, n: [1, 2]}}}
              - {name: b, command: x, sweep: {zip: {lr: {file: lrs.csv}, seed: {file: lrs.csv}}}}
              - {name: c, command: x, sweep: {grid: {lr: {file: dir/values.txt}}}}
            """, files: files)
        #expect(reading.problems == [])
        #expect(
            assignments(reading) == [
                "lr=0.1 n=1", "lr=0.1 n=2", "lr=0.2 n=1", "lr=0.2 n=2", "lr=0.1 seed=1", "lr=0.2 seed=1", "lr=5",
            ])
        #expect(reading.result.sweepFiles == ["lrs.csv", "dir/values.txt"])
    }

    /// Whatever it is called.
    @Test func allColumnsOfAnyFile() {
        let reading = Reading(
            "tasks:\n- {name: a, command: x, sweep: {zip: {file: values.txt}}}\n", files: ["values.txt": "a,b\n1,2\n"])
        #expect(reading.problems == [])
        #expect(assignments(reading) == ["a=1 b=2"])
        #expect(
            Reading("tasks:\n- {name: a, command: x, sweep: {zip: {file: none.csv, n: 1}}}\n").problems.count == 1)
    }

    @Test(arguments: [
        Refused("a,b\n1,2\n3\n", "#1 3:1: this row has 1 value, and the header 2"),
        Refused("a,b\n1,2\n3,\"x\ny\",5\n", "#1 3:1: this row has 3 values, and the header 2"),
        Refused("", "#1 1:1: the file has no header line"),
        Refused("\n\n", "#1 3:1: the file has no header line"),
        Refused("a,b\n", "3:23: p.csv has no values below its header"),
        Refused("a,,b\n1,2,3\n", "#1 1:3: this column has no name"),
        Refused("é,a,a\n1,2,3\n", "#1 1:5: duplicate column 'a'"),
        Refused(
            "a, b\n1,2\n",
            "#1 1:3: ' b' is not a parameter's name; use letters, digits, '_' and '-', and begin with a letter or '_'"),
        Refused("a,b\n1,\"2\n", "#1 2:3: this quote is never closed"),
        Refused(
            "a,b\n\"1\"x,2\n",
            "#1 2:4: expected ',' or the end of the line behind the quote; a quote inside quotes is written twice"),
        Refused("a\n\"x\0\"\n", "#1 2:1: the text contains a NUL character; save the file as UTF-8"),
        Refused("a,b\n1,2\n3,4\n1,2\n", "#1 4:1: duplicate row; the first is at line 2"),
        Refused("a-b,A_B\n1,2\n", "3:23: 'a-b' and 'A_B' would both be SATURN_PARAM_A_B; rename one of them"),
        Refused("g\n1\n", "3:23: duplicate parameter 'g'; the first is at line 3"),
    ]) func badCSV(_ file: Refused) {
        let reading = read("{zip: {file: p.csv}, grid: {g: [1]}}", "p.csv", file.yaml)
        #expect(reading.problems == file.problems)
        if file.problems[0].hasPrefix("#") { #expect(reading.result.sources.map(\.path) == ["run.yaml", "p.csv"]) }
    }

    @Test func notUTF8() {
        let reading = Reading(
            bytes: Array("tasks:\n- command: x\n  sweep: {zip: {file: p.csv}}\n".utf8),
            files: ["p.csv": Array("a,b\n1,".utf8) + [0xFF, 10]])
        #expect(reading.problems == ["#1 2:3: the text is not valid UTF-8; save the file as UTF-8"])
    }

    @Test(arguments: [
        Refused("[1]\n", "#1 1:1: expected an object: {\"name\": value}"),
        Refused("{}\n", "#1 1:2: the object is empty"),
        Refused("{\"a\": null}", "#1 1:7: null is no value; write \"\" for an empty value"),
        Refused("{\"a\": [1]}", "#1 1:7: a value is a string, a number, true or false"),
        Refused("{\"a\": {}}", "#1 1:7: a value is a string, a number, true or false"),
        Refused("{\"a\": 01}", "#1 1:7: expected a value, found '01'"),
        Refused("{\"a\": +1}", "#1 1:7: expected a value, found '+1'"),
        Refused("{\"a\": .5}", "#1 1:7: expected a value, found '.5'"),
        Refused("{\"a\": NaN}", "#1 1:7: expected a value, found 'NaN'"),
        Refused("{\"a\": }", "#1 1:7: expected a value, found ''"),
        Refused("{\"a\" 1}", "#1 1:6: expected ':' behind the key"),
        Refused("{a: 1}", "#1 1:2: expected a key in quotes"),
        Refused("{\"a\": 1", "#1 1:8: expected ',' or '}'"),
        Refused("{\"a\": 1} {\"a\": 2}", "#1 1:10: expected the end of the line"),
        Refused("{\"a\": \"x}\n{\"a\": 1}", "#1 1:7: this quote is never closed"),
        Refused("{\"a\": \"\\q\"}", "#1 1:8: unknown escape in a string"),
        Refused("{\"a\": \"\\ud83d\"}", "#1 1:8: this is not a character"),
        Refused("{\"a\": \"\\u+123\"}", "#1 1:8: this is not a character"),
        Refused("{\"a\": 1}\n{\"a\": 2, \"b\": 3}\n", "#1 2:10: the first line has no key 'b'"),
        Refused("{\"a\": 1, \"b\": 2}\n\n{\"b\": 2}\n", "#1 3:1: this line has no key 'a'"),
        Refused("{\"a\": 1, \"a\": 2}\n", "#1 1:10: duplicate column 'a'"),
        Refused("{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n", "#1 2:10: duplicate key 'a'"),
        Refused("\n \n", "#1 1:1: the file has no lines"),
    ]) func badJSONLines(_ file: Refused) {
        #expect(read("{zip: {file: p.jsonl}}", "p.jsonl", file.yaml).problems == file.problems)
    }

    @Test func missingFilesAndColumns() {
        let files = ["one.csv": "rate\n1\n", "two.csv": "lr,seed\n1,1\n2,1\n"]
        let reading = Reading(
            """
            tasks:
              - {name: a, command: x, sweep: {grid: {lr: {file: none.csv}}}}
              - {name: b, command: x, sweep: {grid: {lr: {file: one.csv}}}}
              - {name: c, command: x, sweep: {grid: {lrr: {file: two.csv}}}}
              - {name: d, command: x, sweep: {grid: {seed: {file: two.csv}}}}
              - {name: e, command: x, sweep: {grid: {lr: {file: ''}}}}
              - {name: f, command: x, sweep: {zip: {lr: {file: two.csv}, n: [1, 2, 3]}}}
            """, files: files)
        #expect(
            reading.problems == [
                "2:53: cannot read none.csv; not there", "3:53: one.csv has no column 'lr'; its only column is rate",
                "4:54: two.csv has no column 'lrr'; did you mean 'lr'?",
                "6:53: expected the path of a CSV or JSON-lines file, found an empty one",
                "7:65: 'n' has 3 values, and 'lr', with which it goes in step, has 2; "
                    + "give all parameters of 'zip' as many values",
                "#1 3:1: duplicate value '1' of 'seed'; the grid takes each value once; "
                    + "take the file's rows with zip: {file: two.csv}",
            ])
    }
}
