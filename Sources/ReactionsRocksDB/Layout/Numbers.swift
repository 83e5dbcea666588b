/// Bytes of keys and values: big endian where order matters, variable length where it does not.
///
/// A number that the store gives a target or a user takes five bytes: a trillion of each.
enum Numbers {
    /// The bytes of a target's or user's number in a key.
    static let width = 5
    /// The greatest number.
    static let greatest: UInt64 = (1 << 40) - 1

    @inline(__always)
    static func append(number: UInt64, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: number >> 32))
        bytes.append(UInt8(truncatingIfNeeded: number >> 24))
        bytes.append(UInt8(truncatingIfNeeded: number >> 16))
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }

    /// A number by itself: where the keys that begin with it begin.
    static func bytes(_ number: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        append(number: number, to: &bytes)
        return bytes
    }

    @inline(__always)
    static func append(fixed: UInt64, to bytes: inout [UInt8]) {
        append(number: fixed >> 24, to: &bytes)
        bytes.append(UInt8(truncatingIfNeeded: fixed >> 16))
        bytes.append(UInt8(truncatingIfNeeded: fixed >> 8))
        bytes.append(UInt8(truncatingIfNeeded: fixed))
    }

    /// Seven bits a byte, least significant first, as in Protocol Buffers.
    @inline(__always)
    static func append(varint value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    static func append(signed value: Int64, to bytes: inout [UInt8]) {
        append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)), to: &bytes)
    }
}

/// Reads what ``Numbers`` wrote; every read answers `nil` past the end. Safe while the bytes outlive it, which each
/// caller sees to by using it inside the closure that lends them.
@safe struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int

    /// The bytes must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
        unsafe self.bytes = bytes
        self.offset = offset
    }

    var remaining: Int { unsafe bytes.count - offset }

    mutating func byte() -> UInt8? {
        guard remaining >= 1 else { return nil }
        defer { offset += 1 }
        return unsafe bytes[offset]
    }

    private mutating func bigEndian(_ count: Int) -> UInt64? {
        guard remaining >= count else { return nil }
        var value: UInt64 = 0
        for index in offset..<(offset + count) { unsafe value = value << 8 | UInt64(bytes[index]) }
        offset += count
        return value
    }

    mutating func number() -> UInt64? { bigEndian(Numbers.width) }

    mutating func fixed() -> UInt64? { bigEndian(8) }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let next = byte() {
            guard shift < 63 || next <= 1 else { return nil }
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }

    mutating func signed() -> Int64? {
        guard let value = varint() else { return nil }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}
