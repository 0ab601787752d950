import Glibc
import SaturnCore

/// The environment that every task inherits, ready to have a few variables added or replaced.
struct EnvironmentTemplate {
    private let base: CStringArray
    private let positions: [String: Int]
    private let values: [String]

    /// - Parameter environment: `NAME=value`; those of an enclosing saturn are left out.
    init(_ environment: [String]) {
        values = environment.filter { !$0.hasPrefix("SATURN_") && !$0.hasPrefix("RESULTS_DIR=") }
        base = CStringArray(values)
        positions = Dictionary(
            values.enumerated().map { (String($1.prefix { $0 != "=" }), $0) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(name: String) -> String? {
        positions[name].map { String(values[$0].dropFirst(name.count + 1)) }
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
