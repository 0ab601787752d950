import Glibc
public import SaturnTesting
import Synchronization

/// R as Debian has it, with the packages that the bridge and the tested plans need.
public enum RPrograms {
    private static let rscript = "/usr/bin/Rscript"
    private static let packages = ["future", "processx", "jsonlite", "future.batchtools"]

    /// Why tests that need it are skipped; `nil` where it is installed.
    public static let missing: String? = {
        let folders = packages.map { "/usr/lib/R/site-library/\($0)" }
        return access(rscript, X_OK) == 0 && folders.allSatisfy { access($0, F_OK) == 0 }
            ? nil : "NOT TESTED: there is no R with \(packages.joined(separator: ", ")); make test-tools installs it"
    }()

    /// A program that is `Rscript`, in a network where there is nothing but loopback.
    public static func rscript(in space: TestSpace) throws -> String {
        let folder = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let path = space.path("loopback-Rscript")
        try space.write(
            "loopback-Rscript", "#!/bin/sh\nexec unshare -rn python3 \(folder)/loopback.py \(rscript) \"$@\"\n",
            executable: true)
        return path
    }

    // MARK: One folder for many tests

    private static let atEnd = Mutex<TestSpace?>(nil)

    /// Removed with the process of the tests; R's processes end with it.
    public static let space = Result {
        let space = try TestSpace()
        atEnd.withLock { $0 = space }
        atexit { RPrograms.atEnd.withLock { $0?.remove("") } }
        return space
    }
}
