/// Where in the layout something is.
public indirect enum ResultPlace: Hashable, Sendable {
    case standing(task: String)
    case attic(key: TaskKey, attempt: AttemptID)
    /// Not a result: what attempts of one key leave each other until one succeeds. `replica` tells tasks with equal
    /// manifests apart.
    case checkpoint(of: TaskKey, replica: Int)
    /// In a store of the same kind.
    case at(location: String, ResultPlace)
}
