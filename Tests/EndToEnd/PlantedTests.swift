import Foundation
import Testing

/// Row 22 of faults.md: links, hard links, pipes and devices where saturn is going to write or to read. Nothing outside
/// of the layout changes, and nobody waits for ever.
@Suite(.ownThread) struct PlantedTests {
    /// In place of what saturn writes when the task is over.
    @Test(
        arguments: ["events", "status", "error", "log", "results"],
        [
            "ln -s $VICTIM", "ln -s $VICTIM_FOLDER", "ln $VICTIM", "mkfifo", "mknod -m 666 P c 1 3",
            "mknod -m 666 P c 1 5", "mkdir",
        ])
    func inPlaceOf(_ name: String, _ how: String) throws {
        let session = try makeSession()
        let place = "${RESULTS_DIR%/results}/\(name)"
        let making = how.contains(" P ") ? how.replacing(" P ", with: " \"\(place)\" ") : "\(how) \"\(place)\""
        let plant = "rm -rf \"\(place)\"; \(making)"
        let file = """
            name: planted
            defaults: {code: none}
            tasks:
              - {name: good, command: '\(plant)'}
              - {name: bad, command: '\(plant); exit 3'}
              - {name: needs-it, needs: [good], command: echo after}

            """
        try session.write("run.yaml", file)
        let before = try victims(session)
        let run = try session.saturn("run")
        #expect([0, 1].contains(run.status), "\(run.status): \(run.out)\(run.err)")
        #expect(try difference(before, victims(session)) == [])

        // Superseded, looked at, brought back, copied: still nothing is followed.
        for command in ["status", "plan"] { #expect(try session.saturn(command).status == 0) }
        let logs = try session.shell("saturn logs bad | head -c 1000000 | wc -c").out
        #expect(Int(logs.dropLast()) ?? .max < 1000, "an endless log")
        try session.write("run.yaml", file.replacing(plant, with: "echo well").replacing("exit 3", with: "exit 0"))
        let well = try session.saturn("run")
        #expect(well.status == 0, "\(well.out)\(well.err)")
        try session.write("run.yaml", file)
        let again = try session.saturn("run")
        #expect([0, 1].contains(again.status), "\(again.out)\(again.err)")
        try session.write("other.yaml", file.replacing("name: planted", with: "name: other"))
        let other = try session.saturn("run", "other.yaml")
        #expect([0, 1].contains(other.status), "\(other.out)\(other.err)")
        #expect(try difference(before, victims(session)) == [])
    }

    /// Among the results, which a dependent's key reads and another run copies.
    @Test func amongTheResults() throws {
        let session = try makeSession()
        let file = """
            name: planted
            defaults: {code: none}
            tasks:
              - name: makes
                command: |
                  cd $RESULTS_DIR
                  ln -s $VICTIM link; ln -s $VICTIM_FOLDER folder; ln $VICTIM hard
                  mkfifo pipe; mknod zero c 1 5; ln -s . loop; ln -s nowhere broken
              - {name: needs-it, needs: [makes], command: ls $SATURN_NEEDS_MAKES}

            """
        try session.write("run.yaml", file)
        let before = try victims(session)
        let run = try session.saturn("run")
        #expect(run.status == 0, "\(run.out)\(run.err)")
        #expect(try session.saturn("plan", "--exit-code").status == 0)
        try session.write("run.yaml", file.replacing("cd $RES", with: "echo other; cd $RES"))
        #expect(try session.saturn("run").status == 0)
        try session.write("run.yaml", file)
        #expect(try session.saturn("run").out.contains("1 restored"))
        try session.write("copy.yaml", file.replacing("name: planted", with: "name: copy"))
        let copy = try session.saturn("run", "copy.yaml")
        #expect(copy.status == 0, "\(copy.out)\(copy.err)")
        #expect(try difference(before, victims(session)) == [])
        for folder in ["results/planted", "results/copy"] where session.exists("\(folder)/makes/results/link") {
            #expect(try session.shell("readlink \(folder)/makes/results/link").out == "~/victim/file\n")
        }
    }

    private func makeSession() throws -> Session {
        let session = try Session()
        try session.write("victim/file", "untouched\n")
        session.environment["VICTIM"] = session.path("victim/file")
        session.environment["VICTIM_FOLDER"] = session.path("victim")
        return session
    }

    /// But for what the tasks do to them themselves: a hard link counts in its file's times.
    private func victims(_ session: Session) throws -> [String: String] {
        var files = try session.listing().filter { $0.key.hasPrefix(session.path("victim")) }
        for (path, text) in files { files[path] = text.components(separatedBy: " changed ")[0] }
        files["text"] = try session.read("victim/file")
        return files
    }
}
