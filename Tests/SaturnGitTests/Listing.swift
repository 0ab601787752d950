import Glibc

/// Every file below a folder with what a write would change: size, inode, permissions and the times of writing.
struct Listing: Equatable {
    private var lines: [String] = []

    init(of folder: String) throws {
        lines = try Program.run(
            ["find", folder, "-printf", "%p %y %s %i %m %T@ %C@\\n"], environment: TestRepository.environment
        ).split(separator: "\n").map(String.init).sorted()
    }

    /// Lines that only one of the two has.
    func difference(from other: Listing) -> [String] {
        lines.filter { !other.lines.contains($0) } + other.lines.filter { !lines.contains($0) }
    }
}
