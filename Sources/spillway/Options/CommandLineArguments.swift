// getopt_long's variables are mutable state of the process; every use here is under one lock.
@unsafe @preconcurrency import CSpillwaySystem
@unsafe @preconcurrency import Glibc
import Synchronization

/// What a command line says, before values are read: the command, its flags in their order, and its operands.
struct CommandLineArguments: Sendable, Equatable {
    /// A flag as it was given.
    struct Flag: Sendable, Equatable {
        let option: OptionDefinition
        let text: String
    }

    let command: CommandName
    var flags: [Flag] = []
    var operands: [String] = []
    var wantsHelp = false

    /// getopt_long keeps its state in variables of the process.
    private static let getopt = Mutex(())
    private static let helpValue: Int32 = 0x10000

    /// Reads the arguments behind the command's name with getopt_long: flags and operands in any order, `--` ends the
    /// flags, unambiguous beginnings of a flag count as the flag.
    ///
    /// - Throws: `CommandError` with the exit code for usage.
    static func read(_ command: CommandName, _ arguments: [String]) throws(CommandError) -> CommandLineArguments {
        for argument in arguments where argument.utf8.contains(0) {
            throw CommandError(.usage, "an argument has a NUL character")
        }
        var line = CommandLineArguments(command: command)
        let options = OptionTable.options(of: command)
        let problem = unsafe withCStrings([command.rawValue] + arguments) { argv, count in
            unsafe withLongOptions(options) { table in
                getopt.withLock { _ in unsafe line.scan(argv, count, options, table) }
            }
        }
        if let problem { throw CommandError(.usage, problem) }
        if !line.wantsHelp { try line.checkOperands() }
        return line
    }

    /// Returns what is wrong.
    private mutating func scan(
        _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, _ count: Int32, _ options: [OptionDefinition],
        _ table: UnsafePointer<CSpillwaySystem.option>
    ) -> String? {
        optind = 0
        opterr = 0
        while true {
            var index: Int32 = -1
            let found = unsafe getopt_long(count, argv, ":h", table, &index)
            switch found {
            case -1:
                for place in Int(optind)..<Int(count) { unsafe operands.append(Self.argument(argv, Int32(place))) }
                return nil
            case Self.helpValue, Int32(UInt8(ascii: "h")):
                wantsHelp = true
            case 0..<Int32(options.count):
                let text = unsafe optarg.map { unsafe String(cString: $0) }
                flags.append(Flag(option: options[Int(found)], text: text ?? "true"))
            case Int32(UInt8(ascii: ":")):
                return unsafe "\(Self.argument(argv, optind - 1)) needs a value"
            default:
                return unsafe "unknown or ambiguous option \(Self.argument(argv, optind - 1))"
            }
        }
    }

    private func checkOperands() throws(CommandError) {
        let wanted = command.operands
        let last = wanted.last ?? ""
        let least = last.hasPrefix("[") ? wanted.count - 1 : wanted.count
        if operands.count < least {
            throw CommandError(.usage, "\(command.rawValue) needs \(wanted[operands.count])")
        }
        guard operands.count > wanted.count, !last.contains("…") else { return }
        throw CommandError(.usage, "unexpected argument \"\(operands[wanted.count])\"")
    }

    private static func argument(_ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, _ index: Int32) -> String {
        unsafe argv[Int(index)].map { unsafe String(cString: $0) } ?? ""
    }

    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, Int32) -> Result
    ) -> Result {
        var copies: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) } + [nil]
        // getopt_long changes the order of the pointers, but all of them stay.
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe copies.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("there is always the closing nil") }
            return unsafe body(base, Int32(strings.count))
        }
    }

    private static func withLongOptions<Result>(
        _ options: [OptionDefinition], _ body: (UnsafePointer<CSpillwaySystem.option>) -> Result
    ) -> Result {
        let names = unsafe (options.map(\.name) + ["help"]).map { unsafe strdup($0) }
        defer { unsafe names.forEach { unsafe free($0) } }
        var table = unsafe [CSpillwaySystem.option]()
        for (index, option) in options.enumerated() {
            let argument = option.kind == .flag ? optional_argument : required_argument
            unsafe table.append(
                CSpillwaySystem.option(name: names[index], has_arg: argument, flag: nil, val: Int32(index)))
        }
        unsafe table.append(
            CSpillwaySystem.option(name: names[options.count], has_arg: no_argument, flag: nil, val: helpValue))
        unsafe table.append(CSpillwaySystem.option())
        return unsafe table.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("there is always the closing row") }
            return unsafe body(base)
        }
    }
}
