import Glibc
import SaturnCore

/// What an attempt needs of this machine, where its pod has it, and its environment with the paths that hold there.
struct PodParcel {
    private(set) var environment: [Variable]
    /// The working folder in what is shipped; else the one on this machine, for images that have it too.
    private(set) var workdir: String
    /// The same below the folder that the image starts in; absolute when it is not below the run file's.
    private(set) var below: String
    private let sources: [TarWriter.Source]

    private static let inside = "in"

    init(_ launch: Launch, _ cluster: KubernetesCluster, _ syncs: [SyncListing]) {
        let place = ClusterNames.place
        let surroundings = launch.surroundings
        var places = [launch.workspace.results: "\(place)/results"]
        if let checkpoint = surroundings.checkpoint { places[checkpoint] = "\(place)/checkpoint" }
        var sources: [TarWriter.Source] = []
        func ship(_ folder: String, as name: String, without: [String] = [], paths: [String] = []) {
            places[folder] = "\(place)/\(Self.inside)/\(name)"
            sources.append(
                .folder("\(Self.inside)/\(name)", from: folder, without: without, paths: paths))
        }
        if let snapshot = surroundings.snapshot { ship(snapshot, as: "snapshot") }
        for need in surroundings.needs { ship(need.folder, as: "needs/\(need.attempt)") }
        if let file = surroundings.needsFile {
            let lines = surroundings.needs.map { "\($0.task)\t\(places[$0.folder] ?? $0.folder)\n" }.joined()
            places[file] = "\(place)/\(Self.inside)/needs.tsv"
            sources.append(.file("\(Self.inside)/needs.tsv", Array(lines.utf8)))
        }
        for (sync, listing) in zip(cluster.syncs, syncs) {
            let name = sync.destination.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
            let target = name.isEmpty ? "\(Self.inside)/code" : "\(Self.inside)/code/\(name)"
            sources.append(
                .folder(target, from: sync.source, without: SyncListing.leftOut, paths: listing.ownFolders))
        }
        if !syncs.isEmpty { places[cluster.base] = "\(place)/\(Self.inside)/code" }
        self.sources = sources
        environment = launch.environment.map { Variable($0.name, places[$0.value] ?? $0.value) }
        workdir = Self.place(of: launch.workdir, places)
        below = Self.below(cluster.base, launch.workdir)
    }

    /// There is nothing to be shipped.
    var isEmpty: Bool { sources.isEmpty }

    func archive() -> TarWriter { TarWriter(sources) }

    private static func place(of path: String, _ places: [String: String]) -> String {
        for (local, there) in places.sorted(by: { $0.key.utf8.count > $1.key.utf8.count }) {
            if path == local { return there }
            if path.hasPrefix(local + "/") { return there + path.dropFirst(local.count) }
        }
        return path
    }

    private static func below(_ base: String, _ path: String) -> String {
        if path == base { return "" }
        return path.hasPrefix(base + "/") ? String(path.dropFirst(base.count + 1)) : path
    }
}
