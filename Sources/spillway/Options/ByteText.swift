/// Sizes as people write them: a whole number of bytes, or one with `KiB`, `MiB`, `GiB`, `TiB` (powers of 1,024) or
/// `KB`, `MB`, `GB`, `TB` (powers of 1,000).
enum ByteText {
    private static let binary: [(name: String, bytes: Int)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]
    private static let decimal: [(name: String, bytes: Int)] = [
        ("", 1), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ]

    /// Reads a size; nil if it is not one.
    static func read(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits),
            let unit = (binary + decimal).first(where: { $0.name == text[digits.endIndex...] })
        else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// The size in the largest binary unit that says it exactly.
    static func format(_ bytes: Int) -> String {
        guard bytes != 0, let unit = binary.last(where: { bytes % $0.bytes == 0 }) else { return "0" }
        return unit.bytes == 1 ? "\(bytes)" : "\(bytes / unit.bytes)\(unit.name)"
    }
}
