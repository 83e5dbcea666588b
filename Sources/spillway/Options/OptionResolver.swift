/// Joins the sources of options: flags win over the environment, it over the file, that over the defaults.
struct OptionResolver {
    /// The process's variables.
    let environment: [String: String]
    /// Reads a file whole.
    let readFile: (String) throws -> [UInt8]

    /// Variables that begin with SPILLWAY_ and name no option: a slip of the pen, or set by the platform.
    var unknownVariables: [String] {
        let known = Set(OptionTable.all.compactMap(\.variable))
        return environment.keys.filter { $0.hasPrefix("SPILLWAY_") && !known.contains($0) }.sorted()
    }

    /// The values for a command.
    ///
    /// - Throws: `CommandError`: usage for a bad flag, configuration for a bad variable or file.
    func resolve(_ line: CommandLineArguments) throws -> OptionValues {
        var values = OptionValues()
        let options = OptionTable.options(of: line.command)
        for flag in line.flags {
            do throws(OptionRefusal) {
                let value = try flag.option.kind.read(flag.text)
                values.replace(value, for: flag.option)
            } catch {
                throw CommandError(.usage, "--\(flag.option.name) \"\(flag.text)\": \(error.reason)")
            }
        }
        for option in options {
            guard let variable = option.variable, let text = environment[variable] else { continue }
            do throws(OptionRefusal) {
                values.offer(try option.kind.read(text), for: option)
            } catch {
                throw CommandError(.configuration, "\(variable)=\"\(text)\": \(error.reason)")
            }
        }
        if let path = values.optional(OptionTable.configuration) {
            for (option, value) in try readConfiguration(path) where option.commands.contains(line.command) {
                values.offer(value, for: option)
            }
        }
        return values
    }

    private func readConfiguration(_ path: String) throws -> [(OptionDefinition, OptionValue)] {
        let bytes: [UInt8]
        do {
            bytes = try readFile(path)
        } catch {
            throw CommandError(.configuration, "cannot read the configuration file \(path)", cause: error)
        }
        do throws(ConfigurationFileError) {
            return try ConfigurationFile.read(bytes)
        } catch {
            throw CommandError(.configuration, "\(path):\(error.line):\(error.column): \(error.reason)")
        }
    }
}
