import SpillwayCore

/// The table at the end of a load.
enum BenchTable {
    private static let columns = ["kind", "asked/s", "good/s", "p50", "p90", "p95", "p99", "p99.9", "max", "errors"]
    private static let percentiles = [50.0, 90, 95, 99, 99.9]

    /// The lines of the table; latencies in milliseconds from the due time.
    static func lines(_ recorders: [BenchRecorder], rates: [Double], duration: Double) -> [String] {
        var rows = [columns]
        var notes: [String] = []
        for kind in BenchKind.allCases where rates[kind.rawValue] > 0 {
            let recorder = recorders[kind.rawValue]
            var row = [kind.name, whole(rates[kind.rawValue]), whole(Double(recorder.good) / duration)]
            row += percentiles.map { milliseconds(Double(recorder.latencies.value(atPercentile: $0))) }
            row += [milliseconds(Double(recorder.latencies.maximum)), "\(recorder.errors)"]
            rows.append(row)
            if recorder.unanswered > 0 { notes.append("\(kind.name): \(recorder.unanswered) without an answer") }
            for (status, count) in recorder.statuses.sorted(by: { $0.key < $1.key }) where status != 200 {
                notes.append("\(kind.name): \(count) \(status == 0 ? "broken connections" : "answers \(status)")")
            }
        }
        let widths = columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let table = rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ")
        }
        return table + notes + ["latencies in ms from the due time"]
    }

    /// Microseconds as milliseconds with two digits.
    static func milliseconds(_ microseconds: Double) -> String {
        let hundredths = Int((microseconds / 10).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    private static func whole(_ number: Double) -> String { "\(Int(number.rounded()))" }
}
