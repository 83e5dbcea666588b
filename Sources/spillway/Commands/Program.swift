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
        do {
            return try dispatch(arguments)
        } catch let error as CommandError {
            terminal.error("spillway: \(error)")
            if error.exitCode == .usage {
                let command = arguments.first.flatMap(CommandName.init(rawValue:)).map { "\($0.rawValue) " }
                terminal.error("Try `spillway \(command ?? "")--help`.")
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
        guard let command = CommandName(rawValue: first) else {
            throw CommandError(.usage, "unknown command \"\(first)\"")
        }
        let line = try CommandLineArguments.read(command, Array(arguments.dropFirst()))
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
        case .bench: return try BenchCommand.run(values, terminal)
        case .version: return VersionCommand.run(terminal)
        case .docsOptions:
            terminal.print(OptionsPage.text)
            return .done
        }
    }
}
