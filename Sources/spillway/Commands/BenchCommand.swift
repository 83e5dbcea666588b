import CSpillwaySystem
import Glibc
import SpillwayCore

/// `spillway bench`.
enum BenchCommand {
    /// Of the design load: 20,000 votes to 12,500 summaries a second.
    private static let mixedVotesShare = 8.0 / 13.0

    static func run(_ values: OptionValues, _ terminal: Terminal) throws -> ExitCode {
        let address = try BenchAddress(url: values[OptionTable.url])
        let weighted = try values.optional(OptionTable.targets).map { try BenchTargets(file: $0) }
        let targets = weighted ?? BenchTargets(uniform: 100_000)
        let requests = BenchRequests(
            tokens: try tokens(values), targets: targets, targetsPerSummary: values[OptionTable.targetsPerSummary],
            host: address.host)
        let rate = Double(values[OptionTable.rate])
        let rates: [Double] =
            switch values[OptionTable.scenario] {
            case "votes": [rate, 0]
            case "summary": [0, rate]
            default: [rate * mixedVotesShare, rate * (1 - mixedVotesShare)]
            }
        let duration = seconds(values)
        _ = spillway_raise_open_files()
        var run = BenchRun(
            requests: requests, address: address, rates: rates, duration: duration,
            connections: values[OptionTable.connections], report: { terminal.error($0.line) })
        let recorders = run.run()
        for line in BenchTable.lines(recorders, rates: rates, duration: duration) { terminal.print(line) }
        return recorders.contains { $0.errors > 0 } ? .foundWrong : .done
    }

    /// How long requests fall due.
    static func seconds(_ values: OptionValues) -> Double { values[OptionTable.runTime].inSeconds }

    private static func tokens(_ values: OptionValues) throws -> [String] {
        if let file = values.optional(OptionTable.tokensFile) {
            var reader = LineReader(try FileSource.named(file, "file of tokens"))
            var tokens: [String] = []
            while let line = try reader.next() {
                guard case .text(let bytes) = line, !bytes.isEmpty else { continue }
                guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                    throw CommandError(.usage, "\(file): line \(reader.lineNumber) is not a token")
                }
                tokens.append(String(decoding: bytes, as: UTF8.self))
            }
            guard !tokens.isEmpty else { throw CommandError(.usage, "\(file) has no tokens") }
            return tokens
        }
        let directory = values[OptionTable.data]
        let hasKey = unsafe access(directory + "/key", R_OK) == 0
        guard values.isGiven(OptionTable.data) || hasKey else {
            // Summaries can be had without a token; votes can't.
            if values[OptionTable.scenario] == "summary" { return [] }
            throw CommandError(.usage, "bench needs --tokens FILE, or --data DIR to make tokens with its key")
        }
        let issuer = try DirectoryTokens(values)
        return try (0..<values[OptionTable.users]).map { try issuer.token(for: "u\($0)") }
    }
}
