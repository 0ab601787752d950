/// What a model history has on its disk: jobs, tracked files, inputs. An edit changes it, and can be undone.
public struct ModelWorld: Hashable, Sendable {
    public var jobs: [ModelJob] = []
    /// By path.
    public var tracked: [String: String] = [
        "main.txt": "1\n", "lib/a.txt": "1\n", "lib/b.txt": "1\n", "lib/notes": "1\n", "job.sh": ModelJob.script,
        ".gitignore": "data/\nresults/\n",
    ]
    public var inputs: [String: String] = ["data/x.txt": "1\n", "data/y.txt": "1\n"]
    /// Without git the whole of it is that of a plain folder.
    public let hasGit: Bool
    private var serial = 0

    static let code = ["main.txt", "lib/a.txt", "lib/b.txt"]

    public init(hasGit: Bool, jobs count: Int, _ random: inout SeededGenerator) {
        self.hasGit = hasGit
        for _ in 0..<count { add(&random) }
    }

    /// The run file.
    public var yaml: String {
        "name: model\nexecutor: {class_spec: MultiprocessingExecutor, jobs: 2}\ntasks:\n" + jobs.map(\.yaml).joined()
    }

    // MARK: Edits

    public enum Edit: String, CaseIterable, Sendable {
        case command, variable, input, code, notes, need, rename, reorder, add, remove, swap, comment
    }

    /// `false` when there was nothing to edit in that way.
    public mutating func apply(_ edit: Edit, _ random: inout SeededGenerator) -> Bool {
        guard let index = jobs.indices.randomElement(using: &random) else {
            add(&random)
            return true
        }
        switch edit {
        case .command:
            if random.chance(50) { jobs[index].salt = Int.random(in: 0..<4, using: &random) }
            if random.chance(50) { jobs[index].modulus = Self.modulus(&random) }
            if random.chance(20) { jobs[index].reads.reverse() }
        case .variable: jobs[index].variable = [nil, "", "a", "b"].randomElement(using: &random) ?? nil
        case .input: Self.change(&inputs, inputs.keys.sorted().randomElement(using: &random), &random)
        case .code: Self.change(&tracked, Self.code.randomElement(using: &random), &random)
        case .notes: Self.change(&tracked, "lib/notes", &random)
        case .need: return changeNeeds(of: index, &random)
        case .rename: rename(index, to: newName())
        case .reorder: jobs.shuffle(using: &random)
        case .add:
            guard jobs.count < 30 else { return false }
            add(&random)
        case .remove:
            // A run file without tasks is an error.
            guard jobs.count > 1 else { return false }
            remove(index)
        case .swap: swapNames(index, jobs.indices.randomElement(using: &random) ?? index)
        case .comment: break
        }
        return true
    }

    private mutating func newName() -> String {
        serial += 1
        return "t\(serial)"
    }

    private static func modulus(_ random: inout SeededGenerator) -> Int {
        [2, 3, 1000].randomElement(using: &random) ?? 2
    }

    private mutating func add(_ random: inout SeededGenerator) {
        var job = ModelJob(newName(), salt: Int.random(in: 0..<4, using: &random), modulus: Self.modulus(&random))
        // Some are another one's twin: a second execution of the same.
        if let twin = jobs.randomElement(using: &random), random.chance(15) {
            job = twin
            job.name = "t\(serial)"
        } else {
            job.code = [.commit, .none, hasGit ? .lib : .none].randomElement(using: &random) ?? .commit
            let readable = ["main.txt", "lib/a.txt", "lib/b.txt"].filter { path in
                job.code == .commit && hasGit || job.code == .lib && path != "main.txt"
            }
            job.reads = readable.filter { _ in random.chance(40) }
            job.inputs = inputs.keys.sorted().filter { _ in random.chance(30) }
            job.reads += job.inputs
            for earlier in jobs where random.chance(jobs.count < 6 ? 30 : 8) { job.needs.append(earlier.name) }
        }
        jobs.append(job)
    }

    private static func change(
        _ files: inout [String: String], _ path: String?, _ random: inout SeededGenerator
    ) {
        guard let path else { return }
        files[path] = "\(Int.random(in: 0..<4, using: &random))\n"
    }

    private mutating func changeNeeds(of index: Int, _ random: inout SeededGenerator) -> Bool {
        if random.chance(50), let gone = jobs[index].needs.randomElement(using: &random) {
            jobs[index].needs.removeAll { $0 == gone }
            return true
        }
        let beyond = reaching(jobs[index].name)
        let possible = jobs.map(\.name).filter { !beyond.contains($0) && !jobs[index].needs.contains($0) }
        guard let need = possible.randomElement(using: &random) else { return false }
        jobs[index].needs.append(need)
        return true
    }

    /// The jobs that need `name`, however far, and itself: to need one of them would be a cycle.
    private func reaching(_ name: String) -> Set<String> {
        var found: Set<String> = [name]
        var before = 0
        while found.count > before {
            before = found.count
            for job in jobs where job.needs.contains(where: found.contains) { found.insert(job.name) }
        }
        return found
    }

    private mutating func rename(_ index: Int, to name: String) {
        let old = jobs[index].name
        jobs[index].name = name
        for other in jobs.indices { jobs[other].needs = jobs[other].needs.map { $0 == old ? name : $0 } }
    }

    private mutating func remove(_ index: Int) {
        let name = jobs.remove(at: index).name
        for other in jobs.indices { jobs[other].needs.removeAll { $0 == name } }
    }

    /// Two jobs exchange their names, and with them their folders.
    private mutating func swapNames(_ one: Int, _ two: Int) {
        guard one != two else { return }
        let (first, second) = (jobs[one].name, jobs[two].name)
        rename(one, to: "swapped")
        rename(two, to: first)
        rename(one, to: second)
    }
}
