import SaturnCore
import Testing

@Suite struct OutcomeTests {
    @Test(arguments: [
        (Cause.exited(3), "exit code 3", Int32(3)), (.signal(9), "signal 9", 137),
        (.timeout(90), "timed out after 90 s", 124),
        (.timeout(1.5), "timed out after 1.5 s", 124),
        (.notStarted("no such program", code: 127), "no such program", 127),
        (.lost("worker died"), "lost: worker died", 125), (.outOfMemory(""), "out of memory", 137),
        (.outOfMemory("1 GiB"), "out of memory: its limit is 1 GiB", 137),
        (.unpublished("disk full"), "its result could not be kept: disk full", 125),
    ]) func causesInWordsAndAsCodes(_ cause: Cause, _ text: String, _ code: Int32) {
        #expect(cause.text == text)
        #expect(cause.exitCode == code)
    }

    @Test func statesWithAResultAreSettled() {
        let states: [TaskState] = [
            .waiting, .ready, .running, .succeeded, .failed, .terminated, .blocked, .skipped, .reused, .restored,
            .excluded,
        ]
        #expect(states.filter(\.hasResult) == [.succeeded, .reused, .restored])
        #expect(states.filter { !$0.isSettled } == [.waiting, .ready, .running])
    }
}
