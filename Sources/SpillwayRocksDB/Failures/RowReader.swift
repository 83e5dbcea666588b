internal import Spillway

/// Reads the bytes of a stored row from the front, and throws where they are not what was written.
struct RowReader {
    /// What the bytes are, for an error's message, which is made only when there is an error.
    enum Subject {
        case row(StaticString)
        case entry(RecordName)
        case letter(RecordName)
    }

    private let bytes: [UInt8]
    private let subject: Subject
    private let limit: Int
    private(set) var offset: Int

    init(_ bytes: [UInt8], of subject: Subject) { self.init(bytes, in: 0..<bytes.count, of: subject) }

    /// Of a row that is a part of the bytes.
    init(_ bytes: [UInt8], in row: Range<Int>, of subject: Subject) {
        self.bytes = bytes
        self.subject = subject
        offset = row.lowerBound
        limit = row.upperBound
    }

    func malformed() -> DatabaseError { DatabaseError(.corruption, "\(what) is malformed at byte \(offset)") }

    private var what: String {
        switch subject {
        case .row(let text): "\(text)"
        case .entry(let name): "the entry \(name.position) of \(name.partition) of \(name.group)"
        case .letter(let name): "the dead letter \(name.position) of \(name.partition) of \(name.group)"
        }
    }

    private mutating func take(_ count: Int) throws -> Range<Int> {
        guard count <= limit - offset else { throw malformed() }
        defer { offset += count }
        return offset..<(offset + count)
    }

    mutating func byte() throws -> UInt8 { bytes[try take(1).lowerBound] }

    mutating func expect(_ expected: UInt8) throws {
        guard try byte() == expected else { throw malformed() }
    }

    /// 8 bytes, big endian.
    mutating func word() throws -> UInt64 {
        let range = try take(8)
        return unsafe bytes.withUnsafeBytes {
            unsafe UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
        }
    }

    mutating func position() throws -> Position { Position(high: try word(), low: try word()) }

    /// A count of at most 35 bits, in pieces of 7.
    mutating func varint() throws -> Int {
        var value = 0
        for shift in stride(from: 0, through: 28, by: 7) {
            let byte = try byte()
            value |= Int(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw malformed()
    }

    /// A length and so many bytes.
    mutating func part() throws -> Range<Int> { try take(try varint()) }

    mutating func text() throws -> String { try text(bytes[try part()]) }

    private func text(_ bytes: some Collection<UInt8>) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw malformed() }
        return text
    }

    /// All that is left.
    mutating func rest() -> [UInt8] {
        defer { offset = limit }
        return Array(bytes[offset..<limit])
    }

    /// A text as ``FailureKeys`` writes it.
    mutating func terminated() throws -> String {
        var found: [UInt8] = []
        while true {
            let byte = try byte()
            guard byte == 0 else {
                found.append(byte)
                continue
            }
            switch try self.byte() {
            case 0: return try text(found)
            case 1: found.append(0)
            default: throw malformed()
            }
        }
    }

    /// Throws if something is left.
    func end() throws {
        guard offset == limit else { throw malformed() }
    }
}
