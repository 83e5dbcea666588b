import SpillwayCore

/// `spillway import`.
enum ImportCommand {
    static func run(_ values: OptionValues, file: String, _ terminal: Terminal) throws -> ExitCode {
        let types = try ReactionsConfiguration.targetTypes(values)
        let store = StoreConfiguration(values)
        let isStrict = values[OptionTable.strict]
        // Opened here for its error, before the data directory is touched.
        _ = try FileSource.named(file, "file to import")
        let summary = try Blocking.run {
            let source = try FileSource(path: file)
            let clock = SystemTimeSource()
            let progress = ImportProgress(terminal, total: source.size, clock: clock)
            let nowMs = clock.wallMilliseconds()
            let run = ImportRun(
                parser: ImportLineParser(targetTypes: types, nowMs: nowMs),
                sink: try await Wiring.importSink(store, targetTypes: types, nowMs: nowMs), isStrict: isStrict,
                reportBadLine: { number, reason in terminal.error("line \(number): \(reason)") },
                reportProgress: progress.report)
            return try await run.run(source)
        }
        terminal.print("lines=\(summary.read) changed=\(summary.changed) bad=\(summary.bad)")
        return summary.isStopped ? .foundWrong : .done
    }
}

/// Prints at most one line of progress a second.
final class ImportProgress {
    private let terminal: Terminal
    private let total: Int?
    private let clock: SystemTimeSource
    private let start: MonotonicInstant
    private var last: MonotonicInstant

    /// - Parameter total: the file's size in bytes, if it has one.
    init(_ terminal: Terminal, total: Int?, clock: SystemTimeSource) {
        self.terminal = terminal
        self.total = total
        self.clock = clock
        start = clock.now()
        last = start
    }

    /// Takes how far it is.
    func report(lines: Int, bytes: Int) {
        let now = clock.now()
        guard now - last >= .seconds(1) else { return }
        last = now
        let seconds = Double((now - start).components.seconds) + Double((now - start).components.attoseconds) / 1e18
        let share = total.map { " \(bytes * 100 / max($0, 1))%" } ?? ""
        terminal.error("imported \(lines) lines\(share), \(Int(Double(lines) / seconds)) lines/s")
    }
}
