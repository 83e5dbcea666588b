internal import Glibc

extension Span where Element == UInt8 {
    /// The first place of a byte at or behind an index; the end if there is none.
    package func place(of byte: UInt8, from index: Int = 0) -> Int {
        precondition(index >= 0 && index <= count, "out of range")
        // Safe: the pointer is used within the call, and the range was just checked.
        return unsafe withUnsafeBytes { bytes in
            guard index < count, let base = bytes.baseAddress,
                let found = unsafe memchr(base + index, Int32(byte), count - index)
            else { return count }
            return unsafe base.distance(to: UnsafeRawPointer(found))
        }
    }
}

extension Array where Element == UInt8 {
    /// Appends bytes in one piece.
    package mutating func append(bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
