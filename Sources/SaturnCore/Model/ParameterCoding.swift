/// The sweep parameters of consecutive tasks in little room: a run may have a million tasks.
///
/// Of each task the number of its parameters plus one and their names, or 0 where they are those of the task before;
/// then the values. Numbers have seven bits a byte, the lowest first; texts have their length before them. Tasks at the end
/// that have none are left out.
public enum ParameterCoding {
    public static func encode(_ tasks: some Sequence<[Variable]>) -> [UInt8] {
        var bytes: [UInt8] = []
        var (names, end) = ([String](), 0)
        for parameters in tasks {
            if parameters.count == names.count, zip(parameters, names).allSatisfy({ $0.name.hasSameBytes(as: $1) }) {
                append(0, to: &bytes)
            } else {
                names = parameters.map(\.name)
                append(names.count + 1, to: &bytes)
                for name in names { append(name, to: &bytes) }
            }
            for parameter in parameters { append(parameter.value, to: &bytes) }
            if !parameters.isEmpty { end = bytes.count }
        }
        return Array(bytes[..<end])
    }

    /// `nil` when the bytes are damaged.
    public static func decode(_ bytes: [UInt8]) -> [[Variable]]? {
        var rest = bytes[...]
        var (names, tasks) = ([String](), [[Variable]]())
        while !rest.isEmpty {
            guard let count = number(&rest) else { return nil }
            if count > 0 {
                names = []
                for _ in 1..<count {
                    guard let name = text(&rest) else { return nil }
                    names.append(name)
                }
            }
            var parameters: [Variable] = []
            for name in names {
                guard let value = text(&rest) else { return nil }
                parameters.append(Variable(name, value))
            }
            tasks.append(parameters)
        }
        return tasks
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        var rest = number
        while rest > 127 {
            bytes.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(text.utf8.count, to: &bytes)
        bytes += text.utf8
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var (value, shift) = (0, 0)
        while let byte = bytes.popFirst(), shift < 56 {
            value |= Int(byte & 127) << shift
            if byte < 128 { return value }
            shift += 7
        }
        return nil
    }

    private static func text(_ bytes: inout ArraySlice<UInt8>) -> String? {
        guard let count = number(&bytes), bytes.count >= count else { return nil }
        defer { bytes.removeFirst(count) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
