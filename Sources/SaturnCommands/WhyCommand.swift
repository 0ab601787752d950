import ArgumentParser
import SaturnCore
import SaturnEngine

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Show what decides whether tasks run: what changed, old → new. Changes nothing.")

    @OptionGroup var subject: TaskFileArguments

    @Flag(help: "Print one JSON document on stdout.")
    var json = false

    func run() throws {
        let preparation = try PlanCommand.prepare(subject.runFile())
        let explanations = try subject.tasks(in: preparation.graph, of: preparation.run)
            .compactMap { try preparation.explanation(of: $0) }
        guard !json else {
            return Output.out(try WhyDocument(explanations, of: preparation).document())
        }
        let text = WhyText(preparation)
        Output.out(explanations.map { text.render($0) }.joined())
    }
}
