/// Writes a message as one JSON object a line, for log collectors:
/// `{"time":"2026-11-21T13:39:00.123Z","level":"info","label":"l","message":"m","source":"Module/File.swift:7",
/// "metadata":{"key":"value"}}`. `metadata` is left out when there is none; its values are strings, arrays and objects.
public struct JSONLogHandler: LogHandler {
    /// What every message carries.
    public var metadata: Logger.Metadata = [:]
    /// Messages below this level are not written.
    public var logLevel: Logger.Level

    private let label: String
    private let output: LogOutput
    private let wallMilliseconds: @Sendable () -> Int64

    /// Makes a handler; parameters as those of ``TextLogHandler``.
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
        bytes.reserveCapacity(256)
        bytes.append(contentsOf: "{\"time\":\"".utf8)
        LogTimestamp.append(milliseconds: wallMilliseconds(), to: &bytes)
        bytes.append(contentsOf: "\",\"level\":\"".utf8)
        bytes.append(contentsOf: level.rawValue.utf8)
        bytes.append(contentsOf: "\",\"label\":".utf8)
        Self.append(label, to: &bytes)
        bytes.append(contentsOf: ",\"message\":".utf8)
        Self.append(message.description, to: &bytes)
        bytes.append(contentsOf: ",\"source\":".utf8)
        Self.append("\(file):\(line)", to: &bytes)
        let entries = merged(with: explicit)
        if !entries.isEmpty {
            bytes.append(contentsOf: ",\"metadata\":".utf8)
            Self.append(entries, to: &bytes)
        }
        bytes.append(contentsOf: "}\n".utf8)
        output.write(bytes)
    }

    private static func append(_ value: Logger.MetadataValue, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text): append(text, to: &bytes)
        case .stringConvertible(let value): append(value.description, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .dictionary(let entries): append(entries.sorted { $0.key < $1.key }, to: &bytes)
        }
    }

    private static func append(_ entries: [(key: String, value: Logger.MetadataValue)], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, entry) in entries.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(entry.key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            append(entry.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes.append(contentsOf: "\\\"".utf8)
            case "\\": bytes.append(contentsOf: "\\\\".utf8)
            case "\n": bytes.append(contentsOf: "\\n".utf8)
            case "\r": bytes.append(contentsOf: "\\r".utf8)
            case "\t": bytes.append(contentsOf: "\\t".utf8)
            default:
                if LogEscaping.isHarmful(scalar) {
                    LogEscaping.appendUnicodeEscape(scalar, to: &bytes)
                } else {
                    bytes.append(contentsOf: String(scalar).utf8)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
