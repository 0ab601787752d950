import ArgumentParser

/// The plain command lines of `plan` and `run`, for which ArgumentParser takes longer than the plan of a few tasks.
///
///     PlainWords.command(["run", "sweep.yaml", "-j", "4"])
///
/// It knows a few words, each spelt out and said once. Whatever else there is, and all that is wrong, is left to
/// ArgumentParser: `nil`. Where both know a line, they make the same of it.
struct PlainWords {
    private static let flags = ["--force", "-f", "--json"]
    private static let options = ["--name", "--jobs", "-j", "-C", "--state"]

    private var places: [String] = []
    private var given: [String] = []
    private var values: [(option: String, value: String)] = []

    static func command(_ words: [String]) -> (any ParsableCommand)? {
        guard let name = words.first, name == "plan" || name == "run",
            let file = PlainWords(words.dropFirst())?.file
        else { return nil }
        return name == "plan" ? PlanCommand(file) : RunCommand(file)
    }

    private init?(_ words: ArraySlice<String>) {
        var words = words
        while let word = words.popFirst() {
            if Self.flags.contains(word) {
                given.append(word)
            } else if Self.options.contains(word) {
                guard let value = words.popFirst(), Self.isPlain(value) else { return nil }
                values.append((word, value))
            } else {
                guard Self.isPlain(word) else { return nil }
                places.append(word)
            }
        }
        guard places.count <= 2 else { return nil }
    }

    private static func isPlain(_ word: String) -> Bool { !word.isEmpty && word.utf8.first != UInt8(ascii: "-") }

    private var file: RunFileArguments? {
        guard let name = value("--name"), let jobs = value("--jobs", "-j"), let change = value("-C"),
            let state = value("--state")
        else { return nil }
        var arguments = RunFileArguments.nothingGiven
        if let first = places.first { arguments.file = first }
        if places.count == 2 { arguments.tasks = places[1] }
        arguments.name = name
        if let jobs {
            guard let number = Int(jobs), number >= 1 else { return nil }
            arguments.jobs = number
        }
        arguments.force = given.contains("--force") || given.contains("-f")
        arguments.json = given.contains("--json")
        arguments.location.change = change
        arguments.location.state = state
        return arguments
    }

    /// `.some(nil)` when the option is not there, `nil` when it is there more than once.
    private func value(_ spellings: String...) -> String?? {
        let found = values.filter { spellings.contains($0.option) }
        guard found.count <= 1 else { return nil }
        return .some(found.first?.value)
    }
}

// What ArgumentParser would have set, field by field: one that is not set cannot be read.

extension LocationArguments {
    fileprivate static var nothingGiven: LocationArguments {
        var arguments = LocationArguments()
        arguments.change = nil
        arguments.state = nil
        return arguments
    }
}

extension RunFileArguments {
    static var nothingGiven: RunFileArguments {
        var arguments = RunFileArguments()
        arguments.file = "run.yaml"
        arguments.tasks = nil
        arguments.name = nil
        arguments.jobs = nil
        arguments.set = []
        arguments.only = []
        arguments.force = false
        arguments.verify = false
        arguments.requireClean = false
        arguments.json = false
        arguments.location = .nothingGiven
        return arguments
    }
}

extension PlanCommand {
    fileprivate init(_ file: RunFileArguments) {
        self.init()
        self.file = file
        exitCode = false
    }
}

extension RunCommand {
    fileprivate init(_ file: RunFileArguments) {
        self.init()
        var arguments = RunArguments()
        arguments.file = file
        arguments.failFast = false
        arguments.maxFailures = nil
        arguments.retries = nil
        arguments.keepGoing = false
        arguments.wait = false
        self.arguments = arguments
        dryRun = false
        detach = false
        supervised = false
        sweep = []
        print = false
        command = []
        finish = false
    }
}
