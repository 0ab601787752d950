import Glibc
import SaturnCore
import SaturnRunFile

/// A sweep that was written on the command line, and the run file that says the same.
///
///     saturn run --sweep lr=0.1,0.01 --sweep seed=1..5 -- python3 train.py --lr {lr} --seed {seed}
struct CommandLineSweep {
    private struct Parameter {
        var name: String
        /// As in a run file.
        var values: String
    }

    private let parameters: [Parameter]
    private let command: [String]
    let name: String

    /// - Parameters:
    ///   - texts: `NAME=VALUES`: values with commas between them, or `FIRST..LAST`, or `FIRST..LAST..STEP`.
    ///   - command: one word is a line for the shell, several are a program and its arguments.
    init(_ texts: [String], command: [String], name: String?) throws {
        guard !command.isEmpty, command != [""] else {
            throw Failure(
                .usage, "--sweep wants a command",
                hint: "it comes last, behind --: saturn run --sweep lr=0.1,0.01 -- python3 train.py --lr {lr}")
        }
        parameters = try texts.map(Self.parameter)
        for (index, parameter) in parameters.enumerated()
        where parameters[..<index].contains(where: { $0.name == parameter.name }) {
            throw Failure(
                .usage, "--sweep has the parameter '\(parameter.name)' twice", hint: "list all its values once")
        }
        self.command = command
        self.name = name ?? Self.name(of: command)
        if let problem = TaskName.problem(with: self.name) {
            throw Failure(.usage, "the run's name '\(self.name)' \(problem)", hint: "choose another --name")
        }
    }

    /// Throws what is wrong with the sweep, before it is written anywhere.
    func check(overrides: [String]) throws {
        let text = Array(runFile().utf8)
        let reader = RunFileReader(
            executors: BuiltInExecutor.all.map(\.schema), stores: BuiltInStore.all.map(\.schema)
        ) { _ in throw Failure(.fault, "a sweep of the command line reads no file") }
        let result = reader.read(SourceText(path: "--sweep", bytes: text), overrides: overrides)
        guard result.problems.isEmpty else { throw Diagnostics(result.problems, sources: result.sources) }
    }

    private static func parameter(_ text: String) throws -> Parameter {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw Failure(.usage, "--sweep '\(text)' is not NAME=VALUES", hint: "write lr=0.1,0.01 or seed=1..5")
        }
        let (name, values) = (String(text[..<equals]), text[text.index(after: equals)...])
        if let range = try range(values) {
            return Parameter(name: name, values: "{range: [\(range.joined(separator: ", "))]}")
        }
        let list = values.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        if list.count > 1, let range = try list.first(where: { try Self.range($0[...]) != nil }) {
            throw Failure(
                .usage, "--sweep '\(text)' has a range among others", hint: "write '\(range)' alone, or all values")
        }
        guard !list.contains("") else {
            throw Failure(.usage, "--sweep '\(text)' has an empty value", hint: "write lr=0.1,0.01 or seed=1..5")
        }
        return Parameter(name: name, values: "[\(list.map(YAMLScalar.text).joined(separator: ", "))]")
    }

    /// First, last and perhaps a step.
    private static func range(_ text: Substring) throws -> [String]? {
        let ends = text.split(separator: "..", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(ends.count), ends.allSatisfy({ $0.first?.isNumber ?? false || $0.hasPrefix("-") }),
            ends.allSatisfy({ Double($0) != nil })
        else { return nil }
        if ends.count == 2, ends.contains(where: { Int($0) == nil }) {
            throw Failure(.usage, "the range '\(text)' has no step", hint: "write 0..1..0.25")
        }
        return ends
    }

    /// That of the program, or of the script that an interpreter gets: `train` of `python3 train.py`.
    private static func name(of command: [String]) -> String {
        let all = command.count > 1 ? command : command[0].split(separator: " ").map(String.init)
        // Behind variables of a command's own.
        let words = Array(all.drop { $0.contains("=") })
        let script = words.dropFirst().first { access($0, R_OK) == 0 && Paths.stem($0) != $0 }
        let stem = Paths.stem(script ?? words.first ?? "")
        return TaskName.problem(with: stem) == nil && !stem.contains("{") ? stem : "sweep"
    }

    /// - Parameter workdir: from the file to the folder in which the command was typed; `nil` when it is there.
    func runFile(workdir: String? = nil) -> String {
        var lines = ["name: \(YAMLScalar.text(name))"]
        if let workdir {
            let directory = YAMLScalar.text(workdir + "/results/{name}")
            lines.append("results: {class_spec: LocalDir, directory: \(directory)}")
        }
        // Also where a sweep has a single value: the next one has another.
        let task = name + parameters.map { "-\($0.name)={\($0.name)}" }.joined()
        lines += ["tasks:", "  - name: \(YAMLScalar.text(task))"]
        if let workdir { lines.append("    workdir: \(YAMLScalar.text(workdir))") }
        let words = command.map(YAMLScalar.text)
        lines.append("    command: \(words.count == 1 ? words[0] : "[\(words.joined(separator: ", "))]")")
        if !parameters.isEmpty {
            lines += ["    sweep:", "      grid:"]
            lines += parameters.map { "        \(YAMLScalar.text($0.name)): \($0.values)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
