import SaturnCore

/// The results that are on the disk of a history, by their own `events`.
struct ModelScan {
    struct Found {
        var attempt: AttemptID
        var origin: AttemptID
        var status: String?
        var out: String?
    }

    /// By task.
    private(set) var standing: [String: Found] = [:]
    private(set) var attic: [Found] = []

    init(results: String, _ space: TestSpace) throws {
        guard space.exists(results) else { return }
        for name in try space.list(results) where name != ".saturn" {
            standing[name] = Self.found("\(results)/\(name)", space)
        }
        let folder = "\(results)/.saturn/attic"
        guard space.exists(folder) else { return }
        for key in try space.list(folder) {
            attic += try space.list("\(folder)/\(key)").compactMap { Self.found("\(folder)/\(key)/\($0)", space) }
        }
    }

    private static func found(_ path: String, _ space: TestSpace) -> Found? {
        guard let text = try? space.read("\(path)/events"), let events = EventLog(parsing: text),
            let attempt = events.attempt
        else { return nil }
        let (status, out) = (try? space.read("\(path)/status"), try? space.read("\(path)/results/out"))
        // Every job writes it: without it, it is a success no more.
        return Found(
            attempt: attempt, origin: events.origin ?? attempt,
            status: status == "success" && out == nil ? nil : status,
            out: out)
    }

    /// How many results there are under each identity; a copy and its original are one.
    func available(_ identities: [AttemptID: ModelOracle.Identity]) -> [ModelOracle.Identity: Int] {
        let successes = (Array(standing.values) + attic).filter { $0.status == "success" }
        let origins = Set(successes.map(\.origin))
        return Dictionary(origins.compactMap { identities[$0] }.map { ($0, 1) }, uniquingKeysWith: +)
    }
}
