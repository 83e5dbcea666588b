extension Position {
    /// The two words in decimal with a hyphen between, such as `1-42`; for people, and to be read again.
    public var text: String { "\(high)-\(low)" }

    /// Reads what ``text`` writes, and nothing else: no signs, no leading zeros, no more than 64 bits.
    public init?(text: some StringProtocol) {
        let words = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard words.count == 2, let high = Self.word(words[0]), let low = Self.word(words[1]) else { return nil }
        self.init(high: high, low: low)
    }

    private static func word(_ digits: some Collection<UInt8>) -> UInt64? {
        guard let first = digits.first, first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !isTooLarge, !overflows else { return nil }
            value = sum
        }
        return value
    }
}
