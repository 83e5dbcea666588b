/// Cuts a file into lines without holding more than one chunk and one line.
struct LineReader {
    /// One line, or that it was too long.
    enum Line: Equatable {
        /// The bytes without the line's end.
        case text(ArraySlice<UInt8>)
        /// More bytes than allowed; they were passed over.
        case tooLong
    }

    private let source: FileSource
    private let longest: Int
    private var chunk: [UInt8]
    private var start = 0
    private var end = 0
    private var isAtEnd = false
    /// Lines handed out so far: the number of the last one, from 1.
    private(set) var lineNumber = 0
    /// Bytes handed out so far.
    private(set) var bytesRead = 0

    /// - Parameter longest: the longest line in bytes.
    init(_ source: FileSource, longest: Int = 64 << 10, chunkBytes: Int = 256 << 10) {
        self.source = source
        self.longest = longest
        chunk = [UInt8](repeating: 0, count: chunkBytes)
    }

    /// The next line; nil at the end. A last line without an end counts; an empty line is an empty text.
    mutating func next() throws -> Line? {
        var pending: [UInt8] = []
        var isTooLong = false
        while true {
            if start == end, try !fill() {
                guard isTooLong || !pending.isEmpty else { return nil }
                lineNumber += 1
                return isTooLong ? .tooLong : .text(pending[...])
            }
            let newline = chunk[start..<end].firstIndex(of: UInt8(ascii: "\n"))
            let piece = chunk[start..<(newline ?? end)]
            bytesRead += piece.count + (newline == nil ? 0 : 1)
            start = newline.map { $0 + 1 } ?? end
            isTooLong = isTooLong || pending.count + piece.count > longest
            guard newline != nil else {
                if isTooLong { pending = [] } else { pending += piece }
                continue
            }
            lineNumber += 1
            if isTooLong { return .tooLong }
            let line = pending.isEmpty ? piece : (pending + piece)[...]
            return .text(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
        }
    }

    /// Reads the next chunk; false at the file's end.
    private mutating func fill() throws -> Bool {
        if isAtEnd { return false }
        start = 0
        end = try source.read(into: &chunk)
        isAtEnd = end == 0
        return !isAtEnd
    }
}
