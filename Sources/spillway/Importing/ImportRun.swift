/// Reads a file's lines, hands good ones to a sink in batches, and counts.
struct ImportRun {
    /// What came of it.
    struct Summary: Sendable, Equatable {
        /// Lines that were reactions.
        var read = 0
        /// Of them, those that changed a row; the others were there already, or older.
        var changed = 0
        /// Lines that were refused.
        var bad = 0
        /// True if a bad line ended it.
        var isStopped = false
    }

    /// Rows in one call of the sink.
    static let batchRows = 10_000

    let parser: ImportLineParser
    let sink: any ImportSink
    /// End at the first bad line.
    let isStrict: Bool
    /// Called for each bad line, as it is met.
    let reportBadLine: (_ number: Int, _ reason: String) -> Void
    /// Called after each batch with lines and bytes read so far.
    let reportProgress: (_ lines: Int, _ bytes: Int) -> Void

    /// Imports everything. Empty lines are passed over.
    func run(_ source: FileSource) async throws -> Summary {
        var reader = LineReader(source)
        var summary = Summary()
        var batch: [ImportedReaction] = []
        batch.reserveCapacity(Self.batchRows)
        while let line = try reader.next() {
            do throws(ImportLineError) {
                guard case .text(let bytes) = line else { throw ImportLineError("the line is longer than 64 KiB") }
                if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
                batch.append(try parser.parse(bytes))
                summary.read += 1
            } catch {
                summary.bad += 1
                reportBadLine(reader.lineNumber, error.reason)
                if isStrict {
                    summary.isStopped = true
                    break
                }
            }
            if batch.count == Self.batchRows {
                summary.changed += try await sink.add(batch)
                batch.removeAll(keepingCapacity: true)
                reportProgress(reader.lineNumber, reader.bytesRead)
            }
        }
        if !batch.isEmpty { summary.changed += try await sink.add(batch) }
        try await sink.finish()
        reportProgress(reader.lineNumber, reader.bytesRead)
        return summary
    }
}
