public import SaturnCore

/// A project's folder may be moved, state and all, also while tasks of a run are on an engine.
extension RunRecord {
    /// As it is where the project is now, with all paths absolute.
    public func moved(to state: StateFolder) -> RunRecord {
        guard let first = arguments.first, first.hasPrefix("./"), file.hasSuffix(first.dropFirst()) else { return self }
        var record = self
        let (old, new) = (file.dropLast(first.utf8.count - 1), StateFolder.parent(of: state.path))
        record.file = "\(new)\(first.dropFirst())"
        record.arguments = arguments.map { $0.hasPrefix("./") ? "\(new)\($0.dropFirst())" : $0 }
        if location.hasPrefix("\(old)/") { record.location = "\(new)\(location.dropFirst(old.count))" }
        return record
    }
}

extension StateFolder {
    /// A path as seen from the project, where it is in there.
    public func relative(_ path: String) -> String {
        let root = Self.parent(of: self.path)
        return path.hasPrefix(root + "/") ? ".\(path.dropFirst(root.count))" : path
    }
}
