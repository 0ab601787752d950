import Testing

@testable import SaturnEngine

@Suite struct MailboxTests {
    @Test func allThatHasComeTogetherInOrder() async {
        let mailbox = Mailbox<Int>()
        for number in 0..<3 { mailbox.post(number) }
        #expect(await mailbox.take() == [0, 1, 2])
        mailbox.post(3)
        #expect(await mailbox.take() == [3])
    }

    @Test func nothingIsLostBetweenManyWritersAndOneReader() async {
        let mailbox = Mailbox<Int>()
        var sums = [Int](repeating: 0, count: 4)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 { group.addTask { for number in 0..<1000 { mailbox.post(number * 4 + writer) } } }
            var count = 0
            while count < 4000 {
                for letter in await mailbox.take() {
                    #expect(letter / 4 == sums[letter % 4], "each writer's letters keep their order")
                    sums[letter % 4] += 1
                    count += 1
                }
            }
        }
        #expect(sums == [1000, 1000, 1000, 1000])
    }
}
