/// Reads one HTTP/1.1 answer after another from what a connection received: the status and where the answer ends. The
/// load generator sends one request at a time on a connection, to a server it trusts, so nothing else is looked at.
struct ResponseParser {
    /// What a piece of input came to.
    enum Outcome: Equatable {
        /// More must come.
        case incomplete
        /// An answer is whole.
        case complete(status: Int, closes: Bool)
        /// Not an answer of HTTP/1.1.
        case malformed
    }

    private enum State {
        case head
        case body(left: Int)
        case chunkSize
        case chunk(left: Int)
        case trailer
    }

    private static let longestHead = 64 << 10

    private var state = State.head
    private var buffer: [UInt8] = []
    private var status = 0
    private var closes = false

    /// Forgets what came: for a new connection.
    mutating func reset() {
        state = .head
        buffer.removeAll(keepingCapacity: true)
    }

    /// Takes input.
    mutating func receive(_ bytes: Span<UInt8>) -> Outcome {
        for index in 0..<bytes.count { buffer.append(bytes[index]) }
        var place = 0
        defer { buffer.removeFirst(place) }
        while true {
            switch state {
            case .head:
                guard let end = headEnd() else { return buffer.count > Self.longestHead ? .malformed : .incomplete }
                guard readHead(end) else { return .malformed }
                place = end
            case .body(let left):
                guard left > buffer.count - place else {
                    place += left
                    return finish()
                }
                state = .body(left: left - (buffer.count - place))
                place = buffer.count
                return .incomplete
            case .chunkSize:
                guard let end = lineEnd(from: place) else { return .incomplete }
                guard let size = hexadecimal(place..<end) else { return .malformed }
                place = end + 2
                state = size == 0 ? .trailer : .chunk(left: size + 2)
            case .chunk(let left):
                guard left > buffer.count - place else {
                    place += left
                    state = .chunkSize
                    continue
                }
                state = .chunk(left: left - (buffer.count - place))
                place = buffer.count
                return .incomplete
            case .trailer:
                guard let end = lineEnd(from: place) else { return .incomplete }
                let isLast = end == place
                place = end + 2
                if isLast { return finish() }
            }
        }
    }

    private mutating func finish() -> Outcome {
        state = .head
        return .complete(status: status, closes: closes)
    }

    /// The place behind the empty line.
    private func headEnd() -> Int? {
        guard buffer.count >= 4 else { return nil }
        var place = 3
        while place < buffer.count {
            // A line feed can only stand at the end of a line: look at every byte for it, then behind it.
            if buffer[place] == 0x0A, buffer[place - 1] == 0x0D, buffer[place - 2] == 0x0A, buffer[place - 3] == 0x0D {
                return place + 1
            }
            place += 1
        }
        return nil
    }

    private func lineEnd(from start: Int) -> Int? {
        var place = start + 1
        while place < buffer.count {
            if buffer[place] == 0x0A, buffer[place - 1] == 0x0D { return place - 1 }
            place += 1
        }
        return nil
    }

    private mutating func readHead(_ end: Int) -> Bool {
        // "HTTP/1.1 200"
        guard end >= 16, buffer[0] == UInt8(ascii: "H"), let code = decimal(9..<12) else { return false }
        status = code
        closes = false
        var length = 0
        var isChunked = false
        var start = (lineEnd(from: 0) ?? end) + 2
        while start < end - 2, let stop = lineEnd(from: start) {
            if let value = value(of: "content-length", in: start..<stop) {
                guard let number = decimal(value) else { return false }
                length = number
            } else if let value = value(of: "transfer-encoding", in: start..<stop) {
                isChunked = equals(value, "chunked")
            } else if let value = value(of: "connection", in: start..<stop) {
                closes = equals(value, "close")
            }
            start = stop + 2
        }
        let hasNoBody = status == 204 || status == 304 || status < 200
        state = isChunked && !hasNoBody ? .chunkSize : .body(left: hasNoBody ? 0 : length)
        return true
    }

    /// Where the value stands if the line is the header; names are compared without case.
    private func value(of name: StaticString, in line: Range<Int>) -> Range<Int>? {
        let count = name.utf8CodeUnitCount
        guard line.count > count, buffer[line.lowerBound + count] == UInt8(ascii: ":"),
            equals(line.lowerBound..<(line.lowerBound + count), name)
        else { return nil }
        var start = line.lowerBound + count + 1
        while start < line.upperBound, buffer[start] == 0x20 { start += 1 }
        return start..<line.upperBound
    }

    private func equals(_ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        let wanted = unsafe UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        return unsafe zip(buffer[range], wanted).allSatisfy { byte, letter in
            byte == letter || (byte >= 0x41 && byte <= 0x5A && byte + 0x20 == letter)
        }
    }

    private func decimal(_ range: Range<Int>) -> Int? {
        guard !range.isEmpty, range.count <= 12 else { return nil }
        var number = 0
        for byte in buffer[range] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        return number
    }

    private func hexadecimal(_ range: Range<Int>) -> Int? {
        let digits = buffer[range].prefix { $0 != UInt8(ascii: ";") }
        guard !digits.isEmpty, digits.count <= 8 else { return nil }
        return Int(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
