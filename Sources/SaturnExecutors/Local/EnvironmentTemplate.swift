import Glibc
import SaturnCore

/// The environment that every task inherits, ready to have a few variables added or replaced.
struct EnvironmentTemplate {
    private let base: CStringArray
    private let positions: [String: Int]
    private let values: [String]

    /// - Parameter environment: `NAME=value`; those of an enclosing saturn are left out, all but whose task this saturn
    ///   is, and of two of one name the first counts, as for getenv.
    init(_ environment: [String]) {
        var positions: [String: Int] = [:]
        var values: [String] = []
        let own = environment.filter { !$0.hasPrefix("SATURN_") && !$0.hasPrefix("RESULTS_DIR=") }
        for entry in own + [Self.parents(in: environment)].compactMap(\.self) {
            let name = String(decoding: entry.utf8.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            guard positions[name] == nil else { continue }
            positions[name] = values.count
            values.append(entry)
        }
        self.positions = positions
        self.values = values
        base = CStringArray(values)
    }

    /// The attempts, the outermost first, in whose tasks this saturn runs. Its own tasks are in other sessions and have
    /// other ids: by this they are known when one of those attempts has ended.
    private static func parents(in environment: [String]) -> String? {
        let ids = ["SATURN_PARENTS=", "SATURN_ATTEMPT_ID="].flatMap { name in
            environment.first { $0.hasPrefix(name) }?.dropFirst(name.count).split(separator: " ") ?? []
        }.filter { AttemptID($0) != nil }
        return ids.isEmpty ? nil : "SATURN_PARENTS=" + ids.joined(separator: " ")
    }

    subscript(name: String) -> String? {
        positions[name].map { String(decoding: values[$0].utf8.dropFirst(name.utf8.count + 1), as: UTF8.self) }
    }

    /// The later of two variables of one name wins.
    func block(adding variables: [Variable]) -> EnvironmentBlock {
        EnvironmentBlock(base: base, variables: variables, positions: positions)
    }
}

/// One task's `envp`; it borrows the inherited strings and owns its own.
final class EnvironmentBlock {
    private let base: CStringArray
    private let own: CStringArray
    private(set) var pointers: [UnsafeMutablePointer<CChar>?]

    init(base: CStringArray, variables: [Variable], positions: [String: Int]) {
        self.base = base
        own = CStringArray(variables.map { "\($0.name)=\($0.value)" })
        pointers = base.pointers
        pointers.removeLast()
        var added: [String: Int] = [:]
        for (variable, string) in zip(variables, own.pointers) {
            if let position = positions[variable.name] ?? added[variable.name] {
                pointers[position] = string
            } else {
                added[variable.name] = pointers.count
                pointers.append(string)
            }
        }
        pointers.append(nil)
    }
}

/// C strings with a null pointer at the end, as `argv` and `envp` want them.
final class CStringArray {
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ strings: [String]) {
        pointers = strings.map { strdup($0) } + [nil]
    }

    deinit {
        for pointer in pointers { free(pointer) }
    }
}
