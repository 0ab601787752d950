import SaturnTesting
import Testing

@testable import SaturnCore

@Suite struct MinHeapTests {
    @Test func theSmallestComesFirst() {
        let seed = SeededGenerator.chosenSeed
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var heap = MinHeap()
            var model: [Int] = []
            for _ in 0..<60 {
                if generator.chance(60) {
                    let item = Int.random(in: -5...20, using: &generator)
                    heap.push(item)
                    model.append(item)
                } else {
                    let expected = model.min()
                    if let expected, let index = model.firstIndex(of: expected) { model.remove(at: index) }
                    #expect(heap.pop() == expected, "SATURN_TEST_SEED=\(seed)")
                }
                #expect(heap.isEmpty == model.isEmpty, "SATURN_TEST_SEED=\(seed)")
            }
        }
    }

    @Test func anEmptyHeapHasNothing() {
        var heap = MinHeap()
        #expect(heap.pop() == nil)
        heap.push(3)
        #expect(heap.pop() == 3)
        #expect(heap.pop() == nil)
    }
}
