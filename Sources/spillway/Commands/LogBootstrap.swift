import SpillwayCore

extension CommandName {
    /// Whether the command runs parts of the service, which log.
    var logs: Bool { OptionTable.logLevel.definition.commands.contains(self) }
}

extension Program {
    /// Sends all logs to standard error in the form that was chosen. Called once, before anything logs.
    func bootstrapLogs(_ values: OptionValues) {
        let level = Logger.Level(rawValue: values[OptionTable.logLevel]) ?? .info
        let isJSON = values[OptionTable.logFormat] == "json"
        LoggingSystem.bootstrap { label in
            if isJSON { return JSONLogHandler(label: label, level: level) }
            return TextLogHandler(label: label, level: level)
        }
    }
}
