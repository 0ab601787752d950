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

    /// By name.
    var variables: [String: String] { positions.keys.reduce(into: [:]) { $0[$1] = self[$1] } }

    subscript(name: String) -> String? {
        positions[name].map { String(decoding: values[$0].utf8.dropFirst(name.utf8.count + 1), as: UTF8.self) }
    }

    /// Calls `body` with the `envp` of one task; the later of two variables of one name wins.
    func withBlock<Value>(adding variables: [Variable], _ body: (CStringArray.Pointer) -> Value) -> Value {
        var own = CStringArray()
        for variable in variables { own.append(variable.name, "=", variable.value) }
        var added: [String: Int] = [:]
        added.reserveCapacity(variables.count)
        return base.withPointers { inherited in
            own.withPointers { strings in
                var block: [UnsafeMutablePointer<CChar>?] = []
                block.reserveCapacity(inherited.count + variables.count)
                block += inherited.dropLast()
                for (variable, string) in zip(variables, strings) {
                    if let position = positions[variable.name] ?? added[variable.name] {
                        block[position] = string
                    } else {
                        added[variable.name] = block.count
                        block.append(string)
                    }
                }
                block.append(nil)
                return CStringArray.calling(body, with: block)
            }
        }
    }
}

/// C strings one after another in memory, for `argv` and `envp`.
struct CStringArray {
    typealias Pointer = UnsafePointer<UnsafeMutablePointer<CChar>?>

    private var bytes: [UInt8] = []
    private var starts: [Int] = []

    init(_ strings: [String] = []) {
        for string in strings { append(string, "", "") }
    }

    /// One string of three parts.
    mutating func append(_ first: String, _ second: String, _ third: String) {
        starts.append(bytes.count)
        bytes.append(contentsOf: first.utf8)
        bytes.append(contentsOf: second.utf8)
        bytes.append(contentsOf: third.utf8)
        bytes.append(0)
    }

    /// Calls `body` with a pointer to each, and a null pointer at the end.
    func withPointers<Value>(_ body: ([UnsafeMutablePointer<CChar>?]) -> Value) -> Value {
        bytes.withUnsafeBytes { bytes in
            // Mutable for C's sake; whom they are handed to does not write.
            let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            return body(starts.map { start?.advanced(by: $0).assumingMemoryBound(to: CChar.self) } + [nil])
        }
    }

    func withPointer<Value>(_ body: (Pointer) -> Value) -> Value {
        withPointers { Self.calling(body, with: $0) }
    }

    static func calling<Value>(_ body: (Pointer) -> Value, with pointers: [UnsafeMutablePointer<CChar>?]) -> Value {
        withExtendedLifetime(pointers) { body(pointers) }
    }
}
