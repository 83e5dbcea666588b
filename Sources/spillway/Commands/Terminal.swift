import Glibc

/// Where a command's results and diagnostics go; tests put their own in its place.
struct Terminal: Sendable {
    /// Writes results: standard output.
    let writeResult: @Sendable ([UInt8]) -> Void
    /// Writes diagnostics and progress: standard error.
    let writeDiagnostic: @Sendable ([UInt8]) -> Void
    /// Why results were cut short; nil if they were not.
    var resultFailure: @Sendable () -> String? = { nil }
    /// Whether further results go nowhere, also since their reader has had enough.
    var resultsAreCutShort: @Sendable () -> Bool = { false }

    /// Prints a result; ends the line if the text does not.
    func print(_ text: String) { writeResult(Self.line(text)) }

    /// Prints a diagnostic.
    func error(_ text: String) { writeDiagnostic(Self.line(text)) }

    /// Prints on standard output what is no result: whether someone hears it changes nothing of how the program ends.
    static func announce(_ text: String) { _ = ResultOutput.write(Self.line(text), to: STDOUT_FILENO) }

    /// The process's own.
    static let process = {
        let results = ResultOutput(STDOUT_FILENO)
        return Terminal(
            writeResult: { results.write($0) },
            // There is nowhere left to say that a diagnostic was lost.
            writeDiagnostic: { _ = ResultOutput.write($0, to: STDERR_FILENO) },
            resultFailure: { results.failure }, resultsAreCutShort: { results.isCutShort })
    }()

    private static func line(_ text: String) -> [UInt8] {
        var bytes = Array(text.utf8)
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }
}
