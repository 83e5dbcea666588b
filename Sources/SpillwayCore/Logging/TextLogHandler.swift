/// Writes a message as one line for people: `2026-11-21T13:39:00.123Z info  label: message key=value`.
///
/// Levels are five characters wide (`note`, `warn` and `crit` stand for notice, warning and critical), so that the
/// columns align. A value with a space, a quote, an equals sign or nothing in it is quoted; control characters are
/// escaped, in messages too, so that what a client sent can't forge a line.
public struct TextLogHandler: LogHandler {
    /// What every message carries.
    public var metadata: Logger.Metadata = [:]
    /// Messages below this level are not written.
    public var logLevel: Logger.Level

    private let label: String
    private let output: LogOutput
    private let wallMilliseconds: @Sendable () -> Int64

    /// Makes a handler.
    ///
    /// - Parameters:
    ///   - label: The logger's label.
    ///   - level: Messages below it are not written; default info.
    ///   - output: Where lines go; default standard error.
    ///   - wallMilliseconds: The time of a message in milliseconds since 1970 UTC; default the system's clock.
    public init(
        label: String, level: Logger.Level = .info, output: LogOutput = .standardError,
        wallMilliseconds: @escaping @Sendable () -> Int64 = { SystemTimeSource().wallMilliseconds() }
    ) {
        self.label = label
        self.logLevel = level
        self.output = output
        self.wallMilliseconds = wallMilliseconds
    }

    /// Writes one line.
    public func log(
        level: Logger.Level, message: Logger.Message, metadata explicit: Logger.Metadata?, file: String,
        function: String, line: UInt
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(160)
        LogTimestamp.append(milliseconds: wallMilliseconds(), to: &bytes)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: Self.column(of: level).utf8)
        bytes.append(UInt8(ascii: " "))
        Self.appendEscaped(label, quoted: false, to: &bytes)
        bytes.append(contentsOf: ": ".utf8)
        Self.appendEscaped(message.description, quoted: false, to: &bytes)
        for (key, value) in merged(with: explicit) {
            bytes.append(UInt8(ascii: " "))
            Self.appendEscaped(key, quoted: false, to: &bytes)
            bytes.append(UInt8(ascii: "="))
            let text = value.description
            Self.appendEscaped(text, quoted: Self.needsQuotes(text), to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
        output.write(bytes)
    }

    private static func column(of level: Logger.Level) -> String {
        switch level {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info "
        case .notice: "note "
        case .warning: "warn "
        case .error: "error"
        case .critical: "crit "
        }
    }

    private static func needsQuotes(_ text: String) -> Bool {
        text.isEmpty
            || text.utf8.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "=") }
    }

    private static func appendEscaped(_ text: String, quoted: Bool, to bytes: inout [UInt8]) {
        if quoted { bytes.append(UInt8(ascii: "\"")) }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": bytes.append(contentsOf: "\\n".utf8)
            case "\r": bytes.append(contentsOf: "\\r".utf8)
            case "\t": bytes.append(contentsOf: "\\t".utf8)
            case "\"" where quoted: bytes.append(contentsOf: "\\\"".utf8)
            case "\\" where quoted: bytes.append(contentsOf: "\\\\".utf8)
            default:
                if LogEscaping.isHarmful(scalar) {
                    LogEscaping.appendUnicodeEscape(scalar, to: &bytes)
                } else {
                    bytes.append(contentsOf: String(scalar).utf8)
                }
            }
        }
        if quoted { bytes.append(UInt8(ascii: "\"")) }
    }
}
