/// Follows the framing of a chunked body (RFC 9112 7.1) byte by byte, and refuses what the C parser would take: Debian
/// builds http-parser so that it accepts any two bytes where a chunk's line breaks should be.
struct ChunkFraming {
    enum Result: Equatable {
        case partial
        /// The body ends behind that many bytes.
        case complete(Int)
        case refused(String)
    }

    private enum State {
        case size, extensions, sizeLineFeed, data, dataReturn, dataLineFeed
        case trailerStart, trailer, trailerLineFeed, endLineFeed
    }

    /// The longest extension of one chunk, and all trailers together, in bytes.
    private static let maximumExtras = 4096

    private var state = State.size
    private var digits = 0
    private var size: UInt64 = 0
    private var extras = 0

    mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Result {
        var index = 0
        while index < bytes.count {
            if state == .data {
                let taken = min(size, UInt64(bytes.count - index))
                size -= taken
                index += Int(taken)
                if size == 0 { state = .dataReturn }
                continue
            }
            let byte = unsafe bytes[index]
            index += 1
            if let refusal = advance(byte) { return .refused(refusal) }
            if state == .endLineFeed && byte == 10 { return .complete(index) }
        }
        return .partial
    }

    /// Takes one byte outside of the data; returns what is wrong with it.
    private mutating func advance(_ byte: UInt8) -> String? {
        switch state {
        case .size:
            if let digit = ByteClass.hexValue(byte) {
                digits += 1
                size = size << 4 | UInt64(digit)
                return digits > 15 ? "a chunk's size has too many digits" : nil
            }
            if digits == 0 { return "a chunk has no size" }
            if byte == UInt8(ascii: ";") {
                state = .extensions
                return nil
            }
            state = .sizeLineFeed
            return byte == 13 ? nil : "a chunk's size is not a number"
        case .extensions:
            extras += 1
            if extras > Self.maximumExtras { return "a chunk's extensions are too long" }
            if byte == 13 { state = .sizeLineFeed }
            return byte == 10 || byte == 0 ? "a chunk's line ends without a carriage return" : nil
        case .sizeLineFeed:
            let isLast = size == 0
            state = isLast ? .trailerStart : .data
            digits = 0
            if isLast { extras = 0 }
            return byte == 10 ? nil : "a chunk's line does not end with CR LF"
        case .data:
            return nil
        case .dataReturn:
            state = .dataLineFeed
            return byte == 13 ? nil : "a chunk is longer than its size"
        case .dataLineFeed:
            state = .size
            return byte == 10 ? nil : "a chunk does not end with CR LF"
        case .trailerStart:
            if byte == 13 {
                state = .endLineFeed
                return nil
            }
            state = .trailer
            return byte == 32 || byte == 9 || byte == 10 ? "a trailer begins with white space" : nil
        case .trailer:
            extras += 1
            if byte == 13 { state = .trailerLineFeed }
            if extras > Self.maximumExtras { return "the trailers are too long" }
            return byte == 10 ? "a trailer ends without a carriage return" : nil
        case .trailerLineFeed:
            state = .trailerStart
            return byte == 10 ? nil : "a trailer does not end with CR LF"
        case .endLineFeed:
            return byte == 10 ? nil : "the body does not end with CR LF"
        }
    }
}
