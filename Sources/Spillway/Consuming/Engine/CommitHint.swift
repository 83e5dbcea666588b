/// What is finished above a commit, so that a restart need not handle it again.
///
/// The encoding: four bytes `SpwH`, one byte version (1), a checksum (FNV-1a, 32 bits, of all that follows, big
/// endian), the commit's two words, and ranges of positions as four variable-length integers each (LEB128): the
/// distance of the low word from the end of the range before, preceded by the high word's, then the range's length in
/// the same form. A hint is bounded: what doesn't fit is left out from the top. A hint that is foreign, damaged, of
/// another version or of another commit says nothing (FAILURES 9).
package struct CommitHint: Sendable, Equatable {
    static let magic: [UInt8] = Array("SpwH".utf8)
    static let version: UInt8 = 1
    private static let headerSize = 9

    /// Ascending and apart from each other.
    package var ranges: [ClosedRange<Position>]

    /// The bytes for a commit; `nil` if nothing is finished above it or nothing fits.
    package func encoded(commit: Position, maxBytes: Int) -> [UInt8]? {
        var body: [UInt8] = []
        Self.append(commit.high, to: &body)
        Self.append(commit.low, to: &body)
        var end = commit
        var count = 0
        for range in ranges {
            let mark = body.count
            Self.appendStep(from: end, to: range.lowerBound, to: &body)
            Self.appendStep(from: range.lowerBound, to: range.upperBound, to: &body)
            if Self.headerSize + body.count > maxBytes {
                body.removeLast(body.count - mark)
                break
            }
            end = range.upperBound
            count += 1
        }
        guard count > 0 else { return nil }
        return Self.magic + [Self.version] + Self.checksum(body[...]) + body
    }

    /// Reads a hint back; `nil` if it isn't one of ours for this commit.
    package init?(decoding bytes: [UInt8], commit: Position) {
        guard bytes.count > Self.headerSize, bytes.starts(with: Self.magic), bytes[4] == Self.version,
            bytes[5..<9].elementsEqual(Self.checksum(bytes[9...]))
        else { return nil }
        var rest = bytes[9...]
        guard Self.take(&rest) == commit.high, Self.take(&rest) == commit.low else { return nil }
        var ranges: [ClosedRange<Position>] = []
        var end = commit
        while !rest.isEmpty {
            guard let lower = Self.takeStep(&rest, from: end), let upper = Self.takeStep(&rest, from: lower),
                lower > end || ranges.isEmpty, upper >= lower
            else { return nil }
            ranges.append(lower...upper)
            end = upper
        }
        self.ranges = ranges
    }

    package init(ranges: [ClosedRange<Position>]) { self.ranges = ranges }

    private static func appendStep(from: Position, to position: Position, to bytes: inout [UInt8]) {
        append(position.high &- from.high, to: &bytes)
        append(position.high == from.high ? position.low &- from.low : position.low, to: &bytes)
    }

    private static func takeStep(_ bytes: inout ArraySlice<UInt8>, from: Position) -> Position? {
        guard let high = take(&bytes), let low = take(&bytes) else { return nil }
        if high > 0 {
            let (sum, overflow) = from.high.addingReportingOverflow(high)
            return overflow ? nil : Position(high: sum, low: low)
        }
        let (sum, overflow) = from.low.addingReportingOverflow(low)
        return overflow ? nil : Position(high: from.high, low: sum)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func take(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst() {
            guard shift < 63 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
            guard shift <= 63 else { return nil }
        }
        return nil
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var state: UInt32 = 0x811c_9dc5
        for byte in bytes { state = (state ^ UInt32(byte)) &* 0x0100_0193 }
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: state >> $0) }
    }
}
