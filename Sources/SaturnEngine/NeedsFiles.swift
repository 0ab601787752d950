import Glibc
import SaturnCore

/// The files that `SATURN_NEEDS` names, one for each attempt, in the project's folder.
struct NeedsFiles {
    private let state: StateFolder

    init(_ state: StateFolder) {
        self.state = state
    }

    /// Removes what killed runs have left, while no run is active. One that is just beginning has young files.
    func sweep(at time: Timestamp) throws {
        let folder = state.path + "/needs"
        guard try state.activeRuns().isEmpty else { return }
        for name in try FileBytes.names(in: folder) where AttemptID(name)?.description == name {
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                Int64(status.st_mtim.tv_sec) < time.microseconds / 1_000_000 - 3600
            else { continue }
            unlink("\(folder)/\(name)")
        }
    }
}
