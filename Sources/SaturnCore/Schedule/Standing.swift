/// What stands in a task's folder.
public enum Standing: Hashable, Sendable {
    case nothing
    /// An attempt had a result, and a part of it was deleted.
    case gone(Part, Occupant)
    case success(Occupant)
    case failure(Occupant, exitCode: Int32?)
    case terminated(Occupant)
    case unfinished(Occupant)
    case changedWhileRunning(Occupant)
    /// A success of which, when the machine went down, not everything may have been on the disk.
    case unsynced(Occupant)
    /// Not saturn's, or another project's: a clause that says which.
    case foreign(String)
    /// Another project's success, with its key: usable under that key alone.
    case foreignSuccess(Occupant, String)

    /// Of a result: what it is none without.
    public enum Part: Hashable, Sendable {
        case folder, status, results
    }
}

extension Standing {
    /// A success that can be used under `key`: its own, or one that it was accepted under.
    func success(under key: TaskKey) -> Occupant? {
        switch self {
        case .success(let occupant), .foreignSuccess(let occupant, _):
            occupant.key == key || occupant.accepted.contains(key) ? occupant : nil
        case .changedWhileRunning(let occupant): occupant.accepted.contains(key) ? occupant : nil
        default: nil
        }
    }

    /// Whether there is a key under which what stands there can be used.
    var isGoodForSome: Bool {
        switch self {
        case .success, .foreignSuccess: true
        case .changedWhileRunning(let occupant): !occupant.accepted.isEmpty
        default: false
        }
    }

    /// A success of this project's, whatever it is good for.
    var ownSuccess: Occupant? {
        switch self {
        case .success(let occupant), .changedWhileRunning(let occupant): occupant
        default: nil
        }
    }

    /// The same where what the task wrote was deleted: a success it is no more, nobody's and under no key.
    public var withoutResults: Standing {
        switch self {
        case .success(let occupant), .changedWhileRunning(let occupant): .gone(.results, occupant)
        case .foreignSuccess(_, let problem): .foreign(problem)
        default: self
        }
    }

    /// What is in the folder, if anything is.
    var occupant: Occupant? {
        if case .gone(.folder, _) = self { nil } else { earlier }
    }

    /// The attempt that the folder belongs or belonged to.
    var earlier: Occupant? {
        switch self {
        case .nothing, .foreign, .foreignSuccess: nil
        case .gone(_, let occupant), .success(let occupant), .failure(let occupant, _), .terminated(let occupant),
            .unfinished(let occupant), .changedWhileRunning(let occupant), .unsynced(let occupant):
            occupant
        }
    }
}
