import SaturnCore

/// Jobs and pods as a cluster tells of them, as far as saturn asks.
struct ClusterObjects: Decodable {
    var items: [ClusterObject]
}

struct ClusterObject: Decodable {
    struct Metadata: Decodable {
        var name: String
        var uid: String?
        var labels: [String: String]?
        var creationTimestamp: String?
        var deletionTimestamp: String?
    }

    struct Status: Decodable {
        var phase: String?
        var reason: String?
        var message: String?
        var conditions: [Condition]?
        var containerStatuses: [Container]?
    }

    struct Condition: Decodable {
        var type: String
        var status: String
        var reason: String?
        var message: String?
    }

    struct Container: Decodable {
        var name: String
        var imageID: String?
        var state: State?
    }

    struct State: Decodable {
        struct Waiting: Decodable {
            var reason: String?
            var message: String?

            /// There is no process and none is about to be: for want of an image, a Secret, a name.
            var isStuck: Bool { reason.map { !["ContainerCreating", "PodInitializing"].contains($0) } ?? false }
        }

        struct Running: Decodable {
            var startedAt: String?
        }

        struct Terminated: Decodable {
            var exitCode: Int32
            var reason: String?
            var message: String?
        }

        var waiting: Waiting?
        var running: Running?
        var terminated: Terminated?
    }

    /// Of an event: what it is about.
    struct Reference: Decodable {
        var name: String?
    }

    struct Spec: Decodable {
        var nodeName: String?
    }

    var kind: String
    var metadata: Metadata
    var spec: Spec?
    var status: Status?
    // Of events.
    var involvedObject: Reference?
    var message: String?
    var type: String?
    var lastTimestamp: String?

    /// Of a pod: none of its containers runs. Those that were removed may be called ones that are yet to be made.
    var hasEnded: Bool {
        let states = status?.containerStatuses?.map(\.state) ?? []
        if ["Succeeded", "Failed"].contains(status?.phase) { return states.allSatisfy { $0?.running == nil } }
        return !states.isEmpty && states.allSatisfy { $0?.terminated != nil || $0?.waiting?.isStuck == true }
    }

    /// Of a Job: it makes no other pod.
    var isOver: Bool {
        status?.conditions?.contains { ["Failed", "Complete"].contains($0.type) && $0.status == "True" } ?? false
    }

    func container(_ name: String) -> Container? { status?.containerStatuses?.first { $0.name == name } }
    func label(_ name: String) -> String? { metadata.labels?[name] }
}

/// What saturn calls things on a cluster.
enum ClusterNames {
    static let (run, attempt, home) = ("saturn-run", "saturn-attempt", "saturn-home")
    static let manager = "app.kubernetes.io/managed-by"
    static let (task, keeper) = ("task", "keeper")
    /// Where a pod's containers have what saturn puts there and takes away.
    static let place = "/saturn"
    /// The pod's own name, for its containers.
    static let podVariable = "SATURN_POD"

    /// `saturn-<run>-<task>-<attempt>`, of at most 52 characters: a pod's name is eleven longer.
    static func job(run: String, task: String, attempt: AttemptID) -> String {
        let words = [safe(run, 14), safe(task, 16)].filter { !$0.isEmpty }
        let digits = attempt.description.filter { $0 != "-" }.prefix(12)
        return (["saturn"] + words + [String(digits)]).joined(separator: "-")
    }

    static func secret(run: String, id: AttemptID) -> String {
        (["saturn", safe(run, 14)].filter { !$0.isEmpty } + [id.description]).joined(separator: "-")
    }

    /// Of any text: lower-case letters and digits, with a hyphen between them where there is something else.
    static func safe(_ text: String, _ length: Int) -> String {
        var safe = ""
        for byte in text.utf8.prefix(200) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                safe.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): safe.unicodeScalars.append(Unicode.Scalar(byte + 32))
            default: if !safe.hasSuffix("-"), !safe.isEmpty { safe += "-" }
            }
        }
        safe = String(safe.prefix(length))
        while safe.hasSuffix("-") { safe.removeLast() }
        return safe
    }

    /// Of a run's place: a label's value may not be a path.
    static func home(_ path: String) -> String { String(Digest(of: path.utf8).description.prefix(40)) }
}
