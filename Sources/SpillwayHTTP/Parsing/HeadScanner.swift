internal import Glibc

/// Finds the end of a request's head line by line, and refuses what the C parser would take: lines that end without CR,
/// lines that begin with white space (obsolete folding, RFC 9112 5.2), and a request line with other than two spaces.
/// Both parsers must agree on where the head ends; where they don't, a smuggler is at work.
struct HeadScanner {
    enum Result: Equatable {
        /// All bytes belong to the head, and more must come.
        case partial
        /// The head ends behind that many bytes.
        case complete(Int)
        case refused(String)
    }

    /// Clients may send empty lines before a request (RFC 9112 2.2).
    private static let maximumEmptyLines = 4

    /// Whether anything but empty lines was seen.
    private(set) var hasBegun = false
    private var lineCount = 0
    private var lastByte: UInt8 = 0
    private var emptyLines = 0
    /// The spaces of the request line so far; nil behind it.
    private var spaces: Int? = 0

    mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Result {
        var index = 0
        while index < bytes.count {
            if unsafe lineCount == 0 && hasBegun && (bytes[index] == 32 || bytes[index] == 9) {
                return .refused("a header line begins with white space")
            }
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[index...])
            guard let found = unsafe memchr(rest.baseAddress!, 10, rest.count) else {
                if unsafe hasLoneReturn(rest, before: rest.count - 1) { return .refused(Self.loneReturn) }
                lineCount += rest.count
                lastByte = unsafe rest[rest.count - 1]
                if unsafe rest.count > 1 || rest[0] != 13 { hasBegun = true }
                unsafe countSpaces(rest)
                return .partial
            }
            let length = unsafe rest.baseAddress!.distance(to: UnsafeRawPointer(found))
            let previous = unsafe length > 0 ? rest[length - 1] : lineCount > 0 ? lastByte : 0
            guard previous == 13 else { return .refused("a line of the head ends without a carriage return") }
            if unsafe hasLoneReturn(rest, before: length - 1) { return .refused(Self.loneReturn) }
            index += length + 1
            if lineCount + length > 1 {
                hasBegun = true
                unsafe countSpaces(UnsafeRawBufferPointer(rebasing: rest[..<length]))
                if let spaces, spaces != 2 { return .refused("the request line must hold two spaces") }
                spaces = nil
            } else if hasBegun {
                return .complete(index)
            } else {
                emptyLines += 1
                if emptyLines > Self.maximumEmptyLines { return .refused("too many empty lines before the request") }
            }
            lineCount = 0
        }
        return .partial
    }

    private static let loneReturn = "a carriage return stands inside a line of the head"

    /// Whether a CR stands before the end of a line: at the end of the piece before this one, or in its first bytes.
    private func hasLoneReturn(_ line: UnsafeRawBufferPointer, before end: Int) -> Bool {
        if unsafe lineCount > 0 && lastByte == 13 && line[0] != 10 { return true }
        return unsafe end > 0 && memchr(line.baseAddress!, 13, end) != nil
    }

    private mutating func countSpaces(_ bytes: UnsafeRawBufferPointer) {
        guard var count = spaces else { return }
        for index in bytes.indices where unsafe bytes[index] == 32 { count += 1 }
        spaces = count
    }
}
