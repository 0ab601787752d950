/// A command that often finds, on the main thread and with no other, that there is nothing to do.
protocol StartsAlone {
    /// What comes before `run()`. Returns whether it was all that is to be done.
    func start() throws -> Bool
}
