import Glibc

/// Where a command's results and diagnostics go; tests put their own in its place.
struct Terminal: Sendable {
    /// Writes results: standard output.
    let writeResult: @Sendable ([UInt8]) -> Void
    /// Writes diagnostics and progress: standard error.
    let writeDiagnostic: @Sendable ([UInt8]) -> Void

    /// Prints a result; ends the line if the text does not.
    func print(_ text: String) { writeResult(Self.line(text)) }

    /// Prints a diagnostic.
    func error(_ text: String) { writeDiagnostic(Self.line(text)) }

    /// The process's own.
    static let process = Terminal(
        writeResult: { write($0, to: STDOUT_FILENO) }, writeDiagnostic: { write($0, to: STDERR_FILENO) })

    private static func line(_ text: String) -> [UInt8] {
        var bytes = Array(text.utf8)
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }

    /// Writes all of it; a reader that is gone is not an error of ours.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        unsafe bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = unsafe Glibc.write(descriptor, buffer.baseAddress! + sent, buffer.count - sent)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return }
                sent += count
            }
        }
    }
}
