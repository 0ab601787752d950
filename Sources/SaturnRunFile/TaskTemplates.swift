internal import SaturnCore

/// The texts of an entry that has a sweep, ready to be filled in a million times: what has no parameters in it is
/// shared by all tasks.
struct TaskTemplates {
    private struct Item {
        var template: Template
        var mark: SourceMark
    }

    private let sweep: Sweep
    private let name: Template
    private var words: [Template] = []
    private var env: [Template]?
    private var inputs: [Item]?
    private var needs: [Item]?
    private var workdir: Template?

    /// - Parameter spec: Of the entry, with its texts as they are written.
    init(_ task: TaskFields, _ spec: TaskSpec, _ sweep: Sweep, _ fields: FieldReader) {
        let reader = TemplateReader(sweep, fields)
        self.sweep = sweep
        name = reader.name(task.name)
        switch task.command {
        case .line(let text)?:
            words = [reader.template(Marked(text, at: task.commandMark ?? spec.mark), in: .shell, isStrict: false)]
        case .arguments(let texts)?:
            words = texts.map { reader.template($0, in: .plain(.verbatim), isStrict: false) }
        case .unusable?, nil: break
        }
        env = reader.templates(zip(spec.env, task.env?.marks ?? []).map { Marked($0.value, at: $1) })
        inputs = Self.items(spec.inputs, reader)
        needs = Self.items(spec.needs, reader)
        workdir = task.workdir.flatMap { reader.templates([$0]) }?.first
        if words.allSatisfy(\.isConstant) { words = [] }
    }

    private static func items(_ texts: [Marked<String>], _ reader: TemplateReader) -> [Item]? {
        reader.templates(texts).map { zip($0, texts).map { Item(template: $0, mark: $1.mark) } }
    }

    /// The spec of one of the tasks.
    ///
    /// - Parameter entry: The spec of the entry, with its texts as they are written.
    func spec(_ number: Int, of entry: TaskSpec) -> TaskSpec {
        let parameters = sweep[number]
        var spec = entry
        spec.name = name.filled(parameters)
        spec.parameters = parameters
        if !words.isEmpty { spec.command = command(entry.command, parameters) }
        if let env {
            for index in env.indices where !env[index].isConstant {
                spec.env[index].value = env[index].filled(parameters)
            }
        }
        if let inputs { spec.inputs = inputs.map { Marked($0.template.filled(parameters), at: $0.mark) } }
        if let needs { spec.needs = needs.map { Marked($0.template.filled(parameters), at: $0.mark) } }
        if let workdir { spec.workdir = workdir.filled(parameters) }
        return spec
    }

    private func command(_ command: Command, _ parameters: [Variable]) -> Command {
        switch command {
        case .shell(_, let shell): .shell(words[0].filled(parameters), shell: shell)
        case .direct: .direct(words.map { $0.filled(parameters) })
        }
    }

    /// What cannot be used of a filled spec, with its place: the empty value of a parameter may be all there was.
    func problem(with spec: TaskSpec) -> (mark: SourceMark, message: String)? {
        if inputs != nil, let input = spec.inputs.first(where: \.value.isEmpty) { return (input.mark, "the input") }
        if needs != nil, let need = spec.needs.first(where: \.value.isEmpty) { return (need.mark, "the need") }
        if workdir != nil, spec.workdir?.isEmpty == true { return (spec.mark, "the workdir") }
        if !words.isEmpty, case .direct(let words) = spec.command, words.first?.isEmpty == true {
            return (spec.mark, "the program's name")
        }
        return nil
    }
}

/// Reads the templates of an entry, and reports parameters that its sweep does not have.
struct TemplateReader {
    private let names: [String]
    private let numbers: [String: Int]
    private let varying: [Int]
    private let fields: FieldReader

    init(_ sweep: Sweep, _ fields: FieldReader) {
        names = sweep.parameters.map(\.name)
        numbers = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        varying = sweep.parameters.indices.filter { sweep.parameters[$0].values.count > 1 }
        self.fields = fields
    }

    /// The name, in which every parameter occurs that differs from task to task. An entry without a name has all that do.
    func name(_ name: Marked<String>?) -> Template {
        var template =
            name.map { self.template($0, in: .plain(.name), isStrict: true) }
            ?? Template("", parameters: [:], in: .plain(.name))
        let wanted = name == nil && varying.isEmpty ? Array(names.indices) : varying
        template.append(wanted.filter { !template.used.contains($0) }.map { ($0, names[$0]) })
        return template
    }

    /// `nil` when none of them has parameters.
    func templates(_ texts: [Marked<String>]) -> [Template]? {
        let templates = texts.map { template($0, in: .plain(.verbatim), isStrict: true) }
        return templates.allSatisfy(\.isConstant) ? nil : templates
    }

    /// - Parameter isStrict: Whether braces have no other meaning in such a text.
    func template(_ text: Marked<String>, in place: Template.Place, isStrict: Bool) -> Template {
        let template = Template(text.value, parameters: numbers, in: place)
        var reported: Set<String> = []
        for found in template.unknown where isStrict || found.isRaw || isMeant(found.name) {
            guard reported.insert(found.name).inserted else { continue }
            fields.reportOnce(
                mark(of: found, in: text), "unknown parameter \(FieldReader.quote(found.name))", hint: hint(found.name))
        }
        for (found, place) in template.unquotable {
            fields.reportOnce(
                mark(of: found, in: text), "a value cannot be quoted inside \(place)",
                hint: "write $(…), a variable of its own, or {\(found.name):raw}")
        }
        return template
    }

    private func hint(_ name: String) -> String {
        name == Sweep.repeatName ? "add 'repeats' to the sweep" : SweepReader.hint(for: name, among: names)
    }

    /// Whether braces in a command, which often belong to awk or a shell, are meant as a parameter.
    private func isMeant(_ name: String) -> Bool {
        name == Sweep.repeatName || SweepReader.near(name, names) != nil
    }

    /// Within the text where that stands in the file just as it is, else the whole text.
    private func mark(of found: Template.Placeholder, in text: Marked<String>) -> SourceMark {
        let scalars = text.value.unicodeScalars
        let quotes = Int(text.mark.length) - scalars.count
        guard quotes == 0 || quotes == 2 else { return text.mark }
        let start = text.value.utf8.index(text.value.startIndex, offsetBy: found.range.lowerBound)
        var mark = text.mark
        mark.column += Int32(clamping: scalars[..<start].count + quotes / 2)
        mark.length = Int32(clamping: found.range.count)
        return mark
    }
}
