import Glibc
import SaturnTesting

/// Random histories against an oracle that knows what a clean build gives: nothing stale, nothing executed needlessly,
/// every reason true.
///
/// A program of its own, so that it is compiled as saturn is for its users: in a debug build it would take most of the
/// time of all tests. It plays the same 2,000 every time; `SATURN_MODEL_HISTORIES=100000` plays that many others. The seed
/// of one in which something is wrong is printed, and `SATURN_TEST_SEED` takes it.
@main struct ModelHistories {
    static func main() async throws {
        let wanted = getenv("SATURN_MODEL_HISTORIES").map { String(cString: $0) }
        guard let count = wanted.map({ Int($0) }) ?? 2000, count > 0 else {
            print("SATURN_MODEL_HISTORIES is no number of histories")
            exit(2)
        }
        let isChosen = wanted != nil || getenv("SATURN_TEST_SEED") != nil
        let first = isChosen ? SeededGenerator.chosenSeed : 1
        let shortcuts = Recording<String>()
        let parts = 4
        let problems = try await withThrowingTaskGroup(of: String?.self) { group in
            for part in 0..<parts {
                group.addTask {
                    let seeds = stride(from: part, to: count, by: parts).lazy.map { first &+ UInt64($0) }
                    return try await firstProblem(of: seeds, shortcuts)
                }
            }
            var problems: [String] = []
            for try await problem in group { if let problem { problems.append(problem) } }
            return problems
        }
        for problem in problems { print(problem) }
        // Without these the histories would say nothing of what is decided from a trace alone.
        let missing = ["plan", "run"].filter { !shortcuts.all.contains($0) }
        if !isChosen { for shortcut in missing { print("no \(shortcut) took the shortcut") } }
        guard problems.isEmpty, isChosen || missing.isEmpty else { exit(1) }
        print("\(count) histories: nothing stale, nothing executed needlessly, every reason true")
    }

    private static func firstProblem(of seeds: some Sequence<UInt64>, _ shortcuts: Recording<String>) async throws
        -> String?
    {
        for seed in seeds {
            let history = try ModelHistory(seed: seed)
            if let problem = try await history.play(steps: 6, with: InProcess(history, shortcuts)) {
                return "SATURN_TEST_SEED=\(seed) SATURN_MODEL_HISTORIES=1: \(problem)"
            }
        }
        return nil
    }
}
