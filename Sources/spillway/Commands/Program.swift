import Glibc
import SpillwayCore

/// Reads the command line and runs the command.
struct Program {
    /// The process's variables.
    let environment: [String: String]
    /// Reads a file whole.
    let readFile: (String) throws -> [UInt8]
    /// Where results and diagnostics go.
    let terminal: Terminal

    /// The program as it runs in its process.
    static var live: Program {
        Program(
            environment: ProcessEnvironment.variables, readFile: { try WholeFile.read($0, atMost: 1 << 20) },
            terminal: .process)
    }

    /// Runs a command line without the program's name.
    func run(_ arguments: [String]) -> ExitCode {
        let code = runCommand(arguments)
        guard let failure = terminal.resultFailure() else { return code }
        terminal.error("spillway: the results are cut short: standard output: \(failure)")
        return .diskFailed
    }

    private func runCommand(_ arguments: [String]) -> ExitCode {
        do {
            return try dispatch(arguments)
        } catch let error as CommandError {
            terminal.error("spillway: \(error)")
            if error.exitCode == .usage {
                let words = CommandName.find(arguments)?.command.rawValue
                let family = arguments.first.flatMap { CommandName.family($0).isEmpty ? nil : $0 }
                terminal.error("Try `spillway \((words ?? family).map { "\($0) " } ?? "")--help`.")
            }
            return error.exitCode
        } catch {
            terminal.error("spillway: \(error)")
            return Wiring.exitCode(for: error)
        }
    }

    private func dispatch(_ arguments: [String]) throws -> ExitCode {
        guard let first = arguments.first else {
            terminal.error(HelpText.program)
            return .usage
        }
        switch first {
        case "--help", "-h", "help":
            terminal.print(HelpText.program)
            return .done
        case "--version":
            return VersionCommand.run(terminal)
        default: break
        }
        guard let (command, rest) = CommandName.find(arguments) else { return try family(first, arguments) }
        let line = try CommandLineArguments.read(command, rest)
        if line.wantsHelp {
            terminal.print(HelpText.command(command))
            return .done
        }
        let resolver = OptionResolver(environment: environment, readFile: readFile)
        let values = try resolver.resolve(line)
        if command == .serve {
            for variable in resolver.unknownVariables {
                terminal.error("spillway: warning: the variable \(variable) is not known and is ignored")
            }
        }
        return try execute(line, values)
    }

    /// The first of two words, and not a second that goes with it.
    private func family(_ word: String, _ arguments: [String]) throws -> ExitCode {
        let family = CommandName.family(word)
        guard !family.isEmpty else { throw CommandError(.usage, "unknown command \"\(word)\"") }
        if arguments.count > 1, ["--help", "-h", "help"].contains(arguments[1]) {
            terminal.print(HelpText.family(word))
            return .done
        }
        let verbs = family.map { $0.rawValue.dropFirst(word.count + 1) }.joined(separator: ", ")
        throw CommandError(.usage, "\(word) needs one of \(verbs)")
    }

    private func execute(_ line: CommandLineArguments, _ values: OptionValues) throws -> ExitCode {
        if line.command.logs { bootstrapLogs(values) }
        switch line.command {
        case .serve: return try ServeCommand.run(values)
        case .token: return try TokenCommand.run(values, terminal)
        case .audit: return try AuditCommand.run(values, terminal)
        case .import: return try ImportCommand.run(values, file: line.operands[0], terminal)
        case .backup: return try BackupCommand.run(values, directory: line.operands[0], terminal)
        case .restore: return try RestoreCommand.run(values, backup: line.operands[0], terminal)
        case .recover: return try RecoverCommand.run(values, terminal)
        case .groupsList: return try GroupsCommand.list(values, terminal)
        case .groupsDelete:
            return try GroupsCommand.delete(values, topic: line.operands[0], group: line.operands[1], terminal)
        case .groupsSeek:
            return try GroupsCommand.seek(values, topic: line.operands[0], group: line.operands[1], terminal)
        case .deadLettersList: return try DeadLettersCommand.list(values, terminal)
        case .deadLettersShow: return try DeadLettersCommand.show(values, id: line.operands[0], terminal)
        case .deadLettersRequeue: return try DeadLettersCommand.requeue(values, ids: line.operands, terminal)
        case .deadLettersDiscard: return try DeadLettersCommand.discard(values, ids: line.operands, terminal)
        case .inspect: return try InspectCommand.run(values, ids: line.operands, terminal)
        case .settingsShow: return try SettingsCommand.show(values, line.operands[0], terminal)
        case .settingsSet:
            return try SettingsCommand.set(values, line.operands[0], Array(line.operands.dropFirst()), terminal)
        case .settingsHistory: return try SettingsCommand.history(values, line.operands[0], terminal)
        case .settingsSeek: return try SettingsCommand.seek(values, line.operands[0], terminal)
        case .bench: return try BenchCommand.run(values, terminal)
        case .version: return VersionCommand.run(terminal)
        case .docsOptions:
            terminal.print(OptionsPage.text)
            return .done
        }
    }
}
