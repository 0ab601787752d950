public import ArgumentParser
import CSystem
import Glibc
import SaturnCore

/// `saturn`: the command line.
public struct SaturnCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "saturn", abstract: "Runs sweeps of shell commands, and only what has not succeeded before.",
        version: "0.1.0",
        subcommands: [
            RunCommand.self, PlanCommand.self, WhyCommand.self, StatusCommand.self, TableCommand.self, ListCommand.self,
            LogsCommand.self, CollectCommand.self, TerminateCommand.self, AcceptCommand.self, PinCommand.self,
            GcCommand.self,
        ])

    public init() {}

    static let arguments = globalsLast(Array(CommandLine.arguments.dropFirst()))

    /// Parses, runs, and ends the process with the exit code of DESIGN.md section 5.
    ///
    /// To be called on the main thread, which from then on takes the signals: handed to Swift's runtime it would
    /// wait with none of them blocked, and be killed by the first.
    public static func start() -> Never {
        csystem_open_standard_descriptors()
        // For fnmatch: `?` is one character of a name, not one byte.
        setlocale(LC_CTYPE, "C.UTF-8")
        csystem_keep_memory()
        // Before any other thread is there: all of them inherit it.
        csystem_block_stop_signals()
        do {
            var command = try PlainWords.command(arguments) ?? parseAsRoot(arguments)
            if var run = command as? RunCommand {
                try run.prepare()
                command = run
            }
            if let code = start(command) { Glibc.exit(code) }
            try makeWay()
            guard let command = command as? any AsyncParsableCommand else { Glibc.exit(execute(command)) }
            Task.detached { [command] in Glibc.exit(await execute(command)) }
            while true { StopSignals.take(csystem_wait_stop_signal()) }
        } catch { Glibc.exit(report(error)) }
    }

    /// The exit code of a command that has done all it had to do before there were other threads.
    private static func start(_ command: any ParsableCommand) -> Int32? {
        (command as? any StartsAlone).flatMap { command in alone { try command.start() } }
    }

    /// Throws where there are no threads for the runtime's own, without which it would wait in silence and for ever:
    /// also where nothing is waited for, since closing a ledger takes one.
    private static func makeWay() throws {
        let shortage = csystem_spare_threads(3)
        guard shortage == 0 else { throw Failure.noThread(String(cString: strerror(shortage))) }
    }

    private static func execute(_ command: any ParsableCommand) -> Int32 {
        alone {
            var command = command
            try command.run()
            return true
        } ?? 0
    }

    /// On this thread: what waits for nothing needs no other, and signals end it.
    ///
    /// - Parameter work: Returns whether it was all that is to be done.
    /// - Returns: The exit code, or `nil` when there is more to do.
    private static func alone(_ work: () throws -> Bool) -> Int32? {
        csystem_let_stop_signals_end()
        do {
            guard try work() else {
                csystem_block_stop_signals()
                return nil
            }
            try Output.check()
            return 0
        } catch {
            return report(error)
        }
    }

    private static func execute(_ command: any AsyncParsableCommand) async -> Int32 {
        do {
            var command = command
            try await command.run()
            try Output.check()
            return 0
        } catch {
            return report(error)
        }
    }

    /// `saturn -C dir run …` is `saturn run -C dir …`.
    static func globalsLast(_ arguments: [String]) -> [String] {
        var front: [String] = []
        var rest = arguments[...]
        while let first = rest.first, first == "-C" || first == "--state", rest.count >= 2 {
            front += rest.prefix(2)
            rest = rest.dropFirst(2)
        }
        guard !front.isEmpty, let command = rest.popFirst() else { return arguments }
        return [command] + front + rest
    }

    /// Says what went wrong; returns the exit code.
    private static func report(_ error: any Error) -> Int32 {
        let text = DiagnosticText(style: .error)
        switch error {
        case let diagnostics as Diagnostics:
            Output.error(text.render(diagnostics))
            return 2
        case let failure as Failure:
            Output.error(text.render(failure))
            return code(failure.kind)
        case let code as ExitCode: return code.rawValue
        default: return reportUsage(error, text)
        }
    }

    private static func code(_ kind: Failure.Kind) -> Int32 {
        switch kind {
        case .usage: 2
        case .engine, .workspace, .ledger: 3
        case .inUse: 4
        case .fault: 5
        }
    }

    private static func reportUsage(_ error: any Error, _ text: DiagnosticText) -> Int32 {
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if code == .success {
            Output.out(message + "\n")
            return 0
        }
        guard code == .validationFailure else {
            Output.error(text.render(Failure(.fault, "\(error)")))
            return 5
        }
        Output.error(message + "\n")
        return 2
    }
}
