import Foundation
import Testing

/// Every run file that the project ships can be planned, and its check of itself succeeds.
@Suite struct ExampleTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// Paths of the run files, relative to the project.
    private static let runFiles: [String] = ["examples", "Pipelines"].flatMap { folder -> [String] in
        let names = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".yaml") && !$0.contains("results/") }.map { "\(folder)/\($0)" }
    }.sorted()

    /// A copy of what the files name, in a repository, as a user who cloned the project has it.
    private func makeProject() throws -> Session {
        let session = try Session()
        for folder in ["examples", "Pipelines"] {
            try session.shell("cp -R '\(Self.root)/\(folder)' . && rm -rf \(folder)/results \(folder)/*/results")
        }
        try session.makeRepository()
        return session
    }

    @Test func areThere() {
        for name in ["examples/hello/run.yaml", "examples/lr-sweep/run.yaml", "Pipelines/self-test.yaml"] {
            #expect(Self.runFiles.contains(name), "\(Self.runFiles)")
        }
    }

    @Test(arguments: runFiles) func canBePlanned(_ name: String) throws {
        let session = try makeProject()
        let folder = (name as NSString).deletingLastPathComponent
        let plan = try session.saturn("plan", (name as NSString).lastPathComponent, "--json", in: folder)
        #expect(plan.status == 0, "\(plan.err)")
        #expect(plan.err == "")
        let document = try PlanJSON(plan)
        #expect(!document.tasks.isEmpty)
        #expect(document.names("run").count == document.tasks.count)
    }

    @Test func selfTest() throws {
        let session = try makeProject()
        let run = try session.saturn("run", "self-test.yaml", in: "Pipelines")
        #expect(run.status == 0, "\(run.err)")
        let rerun = try session.saturn("plan", "self-test.yaml", "--exit-code", in: "Pipelines")
        #expect(rerun.status == 0, "\(rerun.out)")
    }

    @Test func hello() throws {
        let session = try makeProject()
        let run = try session.saturn("run", in: "examples/hello")
        #expect(run.status == 0, "\(run.err)")
        #expect(
            try session.read("examples/hello/results/hello/2/results/greetings.txt")
                == "hello from alice\nhello from bob\n")
    }
}
