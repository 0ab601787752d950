import FoundationEssentials
import Glibc
import SaturnCore
import SaturnTesting
import Testing

@testable import SaturnExecutors

/// What a cluster and its pods say, in saturn's words.
@Suite struct KubernetesPartsTests {
    // MARK: Names

    @Test(arguments: [
        ("lr 0.5 (é)", "lr-0-5"), ("UPPER_case", "upper-case"), ("--x--", "x"), ("ééé", ""), ("", ""),
        ("a-very-long-name-that-goes-on", "a-very-long-name"), ("0.1", "0-1"),
    ]) func namesAreSafe(_ name: String, _ safe: String) { #expect(ClusterNames.safe(name, 16) == safe) }

    @Test func jobsHaveNamesOfTheirOwn() throws {
        var generator = SystemRandomNumberGenerator()
        let attempt = AttemptID(using: &generator)
        let long = String(repeating: "x", count: 200)
        for (run, task) in [("r", "t"), (long, long), ("é", "(é)"), ("-", "0"), ("A B", "c/d")] {
            let name = ClusterNames.job(run: run, task: task, attempt: attempt)
            #expect(name.utf8.count <= 52, "\(name)")
            #expect(name.wholeMatch(of: /[a-z]([a-z0-9-]*[a-z0-9])?/) != nil, "\(name)")
            #expect(name != ClusterNames.job(run: run, task: task, attempt: AttemptID(using: &generator)))
        }
    }

    // MARK: What kubectl says

    @Test(arguments: [
        (
            "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?",
            "the cluster does not answer: The connection to the server 127.0.0.1:1 was refused"
        ),
        (
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
            "kubectl is not told of a cluster: nothing answers at localhost:8080"
        ),
        (
            "Unable to connect to the server: dial tcp: lookup nowhere: no such host",
            "the cluster does not answer: dial tcp: lookup nowhere: no such host"
        ),
        ("error: context \"x\" does not exist", "there is no context 'x' in kubectl's configuration"),
        (
            "Error in configuration: context was not found for specified context: x",
            "there is no context 'x' in kubectl's configuration"
        ),
        ("error: You must be logged in to the server (Unauthorized)", "the cluster does not know who is asking"),
        (
            "Error from server (Forbidden): jobs.batch is forbidden: User \"ada\" cannot list resource \"jobs\"",
            "the cluster does not allow it: jobs.batch is forbidden: User \"ada\" cannot list resource \"jobs\""
        ),
        (
            "Error from server (NotFound): error when creating \"STDIN\": namespaces \"x\" not found",
            "there is no namespace 'x' on the cluster"
        ),
        ("Warning: old\nerror: something else", "kubectl: something else"), ("", "kubectl: no word of why"),
    ]) func sentences(_ words: String, _ sentence: String) {
        let message = KubectlProblem(words).failure.message
        #expect(message.hasPrefix(sentence), "\(message)")
    }

    @Test func aQuotaIsNoRefusal() {
        let words =
            "Error from server (Forbidden): jobs.batch \"j\" is forbidden: exceeded quota: q, requested: count/jobs=1"
        #expect(KubectlProblem(words).kind == .quota)
    }

    // MARK: What is said of pods

    private func state(_ status: String, meta: String = "", spec: String = "") throws -> PodState {
        let text = """
            {"kind": "Pod", "metadata": {"name": "p", "uid": "u"\(meta)}, "spec": {\(spec)}, "status": {\(status)}}
            """
        return PodState(try JSONDecoder().decode(ClusterObject.self, from: Data(text.utf8)))
    }

    private func container(_ state: String) -> String {
        "\"phase\": \"Running\", \"containerStatuses\": [{\"name\": \"task\", \"imageID\": \"\", \"state\": {\(state)}}]"
    }

    @Test func howItEnded() throws {
        let oom = try state(container(#""terminated": {"exitCode": 137, "reason": "OOMKilled"}"#))
        guard case .ended(137, reason: "OOMKilled") = oom.verdict else { return #expect(Bool(false), "\(oom.verdict)") }
        let evicted = try state(#""phase": "Failed", "reason": "Evicted", "message": "The node was low on memory.""#)
        guard case .displaced("pod p: Evicted: The node was low on memory.") = evicted.verdict else {
            return #expect(Bool(false), "\(evicted.verdict)")
        }
        let late = try state(#""phase": "Failed", "reason": "DeadlineExceeded""#)
        guard case .timedOut = late.verdict else { return #expect(Bool(false), "\(late.verdict)") }
        let deleted = try state(container(#""running": {}"#), meta: #", "deletionTimestamp": "2026-01-01T00:00:00Z""#)
        guard case .deleted("pod p was deleted") = deleted.verdict else {
            return #expect(Bool(false), "\(deleted.verdict)")
        }
        let noShell = try state(
            container(
                #""terminated": {"exitCode": 128, "reason": "StartError", "message": "exec: \"sh\": executable file not found in $PATH"}"#
            ))
        guard case .impossible(_, code: 127) = noShell.verdict else {
            return #expect(Bool(false), "\(noShell.verdict)")
        }
    }

    /// What passes is waited for; what a registry says for good is not.
    @Test(arguments: [
        ("ErrImageNeverPull", "x", false), ("InvalidImageName", "x", false),
        ("ErrImagePull", "manifest for x not found: manifest unknown", false),
        ("ImagePullBackOff", "Back-off pulling image", true),
        ("ErrImagePull", "dial tcp: lookup registry: no such host", true),
    ]) func anImageThatIsNotPulled(_ reason: String, _ message: String, _ mayPass: Bool) throws {
        let state = try state(container("\"waiting\": {\"reason\": \"\(reason)\", \"message\": \"\(message)\"}"))
        switch state.verdict {
        case .doubtful(let why): #expect(mayPass && why.hasPrefix("its image cannot be pulled: "))
        case .impossible(let why, let code):
            #expect(!mayPass && code == 126 && why.hasPrefix("its image cannot be pulled: "))
        default: Issue.record("\(state.verdict)")
        }
    }

    @Test func itHasNoPlace() throws {
        let state = try state(
            """
            "phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
              "message": "0/1 nodes"}]
            """)
        guard case .waiting("Unschedulable: 0/1 nodes") = state.verdict else {
            return #expect(Bool(false), "\(state.verdict)")
        }
        #expect(!state.isPlaced)
    }

    // MARK: What comes of a pod

    /// In pieces of any size, with what looks like a line in the log.
    @Test(arguments: [1, 2, 3, 7, 100]) func aStreamInPieces(_ size: Int) throws {
        let text =
            "wants\nstarted 1795863084 979.81 980.31\nlog 13\nexit 1 - - \nabeat\nlog 1\nbexit 7 981.11 asked -\nresults\ntar\n"
        var (stream, log, results, reports, starts, wants) = (PodStream(), [UInt8](), [UInt8](), [PodReport](), 0, 0)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { piece in
                try stream.feed(piece) { part in
                    switch part {
                    case .wants: wants += 1
                    case .started(let time, let seconds):
                        #expect(time == 1_795_863_084 && abs(seconds - 0.5) < 0.001)
                        starts += 1
                    case .log(let bytes): log += bytes
                    case .ended(let report): reports.append(report)
                    case .results(let bytes): results += bytes
                    case .unkept: Issue.record("there are results")
                    }
                }
            }
        }
        #expect(String(decoding: log, as: UTF8.self) == "exit 1 - - \nab")
        #expect(String(decoding: results, as: UTF8.self) == "tar\n")
        #expect(starts == 1 && wants == 1 && reports.count == 1)
        #expect(reports.first?.code == 7 && reports.first?.ending == .asked)
        #expect(abs((reports.first?.seconds ?? 0) - 1.3) < 0.001)
    }

    @Test(arguments: ["what\n", String(repeating: "x", count: 10_000)]) func aStreamThatIsNone(_ text: String) {
        var stream = PodStream()
        #expect(throws: ArchiveProblem.self) {
            try Array(text.utf8).withUnsafeBytes { try stream.feed($0) { _ in } }
        }
    }

    // MARK: What is asked

    @Test func aPodIsMerged() {
        let own: JSONValue = .map([
            "a": .number(1), "containers": .list([.map(["name": .text("task"), "x": .text("y")])]),
            "volumes": .list([]),
        ])
        let more: JSONValue = .map([
            "a": .number(2),
            "containers": .list([.map(["name": .text("task"), "z": .flag(true)]), .map(["name": .text("other")])]),
            "volumes": .list([.map(["name": .text("v")])]),
        ])
        #expect(
            own.merged(with: more)
                == .map([
                    "a": .number(2),
                    "containers": .list([
                        .map(["name": .text("task"), "x": .text("y"), "z": .flag(true)]),
                        .map(["name": .text("other")]),
                    ]), "volumes": .list([.map(["name": .text("v")])]),
                ]))
    }

    @Test func valuesOfSecretsHaveNames() {
        var names = SecretNames()
        let (first, second, other) = (Variable("A", "1"), Variable("A", "2"), Variable("AB", "1"))
        let isNew = [first, first, second, other].map { names.add([$0]) }
        #expect(isNew[0] && !isNew[1] && isNew[2])
        #expect(names.name(of: other) == "AB")
        #expect(names.name(of: first) == "A" && names.name(of: second) == "A.1")
    }

    // MARK: Archives

    /// What is packed here is unpacked by this machine's tar, busybox's, and saturn's own.
    @Test func whatIsPacked() throws {
        let space = try TestSpace()
        let make = """
            mkdir -p 'in/a b/é' in/empty in/.git in/own; printf 1 > 'in/a b/é/-n'; ln -s 'a b' in/link; : > in/none
            printf 2 > "in/$(printf 'new\\nline')"; printf 3 > "in/$(printf '\\377')"; printf 4 > "in/$(printf '%0200d' 0)"
            seq 1 100000 > in/big; chmod 751 in/big; printf x > in/.git/x; printf x > in/own/x
            ln -s "$(printf '%0150d' 0)" in/long
            """
        #expect(try space.run(["/bin/sh", "-ec", make]).status == 0)
        let writer = TarWriter([
            .file("note", Array("words".utf8)),
            .folder("code", from: space.path("in"), without: [".git"], paths: ["own"]),
        ])
        var archive: [UInt8] = []
        while let piece = try writer.next() { archive += piece }
        #expect(archive.count % 512 == 0)
        try space.write("x.tar", archive)
        let trees = try ["tar", "busybox tar"].map { program in
            let name = "by-\(program)"
            space.makeFolder(name)
            let done = try space.run(["/bin/sh", "-c", "\(program) -xf ../x.tar"], in: name)
            #expect(done.status == 0, "\(done.stderr)")
            return name
        }
        space.makeFolder("by-saturn")
        let reader = TarReader(try ResultsTree(space.path("by-saturn")))
        try archive.withUnsafeBytes { try reader.feed($0) }
        try reader.finish()
        for tree in trees + ["by-saturn"] {
            let script =
                "rm -rf in/.git in/own; diff -r --no-dereference in '\(tree)/code' && cat '\(tree)/note' && stat -c %a '\(tree)/code/big'"
            let done = try space.run(["/bin/sh", "-c", script])
            #expect(done.stdout == "words751\n", "\(tree): \(done.stdout)\(done.stderr)")
        }
    }

    @Test func aFolderThatCannotBeRead() throws {
        let space = try TestSpace()
        let writer = TarWriter([.folder("x", from: space.path("nowhere"))])
        #expect(try writer.next()?.count == 1024, "what is gone is left out")
    }
}
