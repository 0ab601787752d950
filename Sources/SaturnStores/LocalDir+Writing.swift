import CSystem
import Glibc
public import SaturnCore

/// A workspace from its beginning to its end. A task may have replaced its own folder and whatever is in it: the folder is
/// opened once in each of these, and nothing is reached but through it.
extension LocalDir {
    public func begin(_ task: String, events: String) throws -> Workspace {
        let workspace = Workspace(task: task, folder: folder(of: .standing(task: task)))
        try reporting("prepare \(workspace.folder)") {
            let folder = try makeTaskFolder(workspace.folder)
            csystem_step("begin.made")
            try folder.write(events, to: "events")
            csystem_step("begin.events")
            try folder.makeFolder("results")
            csystem_step("begin.results")
        }
        return workspace
    }

    public func resume(_ task: String) throws -> Workspace? {
        let workspace = Workspace(task: task, folder: folder(of: .standing(task: task)))
        return try reportingTask("go on with \(workspace.folder)") {
            let folder = try OpenFolder(workspace.folder)
            if try folder.status(of: "results") == nil { try folder.makeFolder("results") }
            return workspace
        }
    }

    func makeTaskFolder(_ path: String) throws -> OpenFolder {
        do { try Files.makeFolder(path) } catch let error as FileProblem where error.number == EEXIST {
            try clearBarelyBegun(path)
            try Files.makeFolder(path)
        }
        return try OpenFolder(path)
    }

    func clearBarelyBegun(_ path: String) throws {
        guard try isBarelyBegun(path) else { return }
        try Files.removeTree(path)
        csystem_step("folder.cleared")
    }

    public func again(_ workspace: Workspace, number: Int, events: String) throws {
        try reportingTask("prepare \(workspace.folder) for attempt \(number)") {
            let folder = try OpenFolder(workspace.folder)
            csystem_step("again.opened")
            if try folder.status(of: "log") != nil {
                let kept = "log.\(number - 1)"
                try folder.remove(kept)
                csystem_step("again.cleared")
                try folder.rename("log", to: kept)
                csystem_step("again.log")
            }
            try folder.remove("results")
            csystem_step("again.removed")
            try folder.makeFolder("results")
            csystem_step("again.results")
            try folder.append(events, to: "events")
            csystem_step("again.events")
        }
    }

    public func publish(
        _ workspace: Workspace, events: String, status: String?, error: Int32?
    ) throws -> FileStamp? {
        try reportingTask("write the result in \(workspace.folder)") {
            let folder = try OpenFolder(workspace.folder)
            csystem_step("publish.opened")
            if status == "success" { try requireResults(in: folder) } else { try removeEmptyResults(in: folder) }
            csystem_step("publish.results")
            try folder.append(events, to: "events")
            csystem_step("publish.events")
            if let error {
                try folder.write("\(error)", to: "error")
                csystem_step("publish.error")
            }
            guard let status else { return nil }
            let stamp = try folder.writeStamped(status, to: "status")
            csystem_step("publish.status")
            return stamp
        }
    }

    private func requireResults(in folder: OpenFolder) throws {
        guard let status = try folder.status(of: "results"), status.st_mode & S_IFMT == S_IFDIR else {
            throw FileProblem(folder.path, is: "results is not a folder any more")
        }
    }

    /// What is not even a folder is removed, too.
    private func removeEmptyResults(in folder: OpenFolder) throws {
        if unlinkat(folder.descriptor, "results", AT_REMOVEDIR) == 0 || errno != ENOTDIR { return }
        guard unlinkat(folder.descriptor, "results", 0) == 0 else { throw folder.problem("results") }
    }

    public func note(_ events: String, on place: ResultPlace) throws {
        let path = folder(of: place)
        try reporting("write \(path)/events") {
            try OpenFolder(path).append(events, to: "events")
            csystem_step("note.events")
        }
    }
}
