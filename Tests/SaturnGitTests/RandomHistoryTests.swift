import SaturnCore
import Testing

@Suite struct RandomHistoryTests {
    /// Two fixed seeds and a new one every time; a failure names the seed.
    @Test(arguments: [1, 2, UInt64.random(in: 3...UInt64.max)])
    func anyHistoryAgreesWithGit(seed: UInt64) throws {
        let repository = try TestRepository()
        try repository.commit(["a": "1\n", "d/x": "2\n", "d/sub/deep": "3\n", "d.txt": "4\n", "e/f": "5\n"])
        let kept = try #require(try repository.open())
        var history = RandomHistory(seed: seed, in: repository)
        var steps: [String] = []
        for step in 0..<120 {
            steps.append(try history.step())
            let excluded = history.excluded()
            let before = try Listing(of: repository.path(".git"))
            let states = try [kept.state(excluding: excluded), repository.state(excluding: excluded)]
            let written = try Listing(of: repository.path(".git")).difference(from: before)
            let oracle = try repository.oracle(excluding: excluded)
            guard states == [oracle, oracle], written.isEmpty else {
                Issue.record(
                    """
                    seed \(seed), step \(step), excluding \(excluded): \(states), git \(oracle), written \(written), \
                    after \(steps)
                    """)
                return
            }
        }
    }
}
