/// Makes the bytes of a write-ahead log file of RocksDB: what ``WriteAheadLogFile`` reads.
struct WriteAheadLogWriter {
    private static let headerBytes = 7

    private(set) var bytes: [UInt8] = []

    /// Appends a record, in fragments where it doesn't fit into what is left of a block.
    mutating func append(_ record: [UInt8]) {
        var rest = record[...]
        var isFirst = true
        repeat {
            let left = WriteAheadLogFile.blockBytes - bytes.count % WriteAheadLogFile.blockBytes
            if left < Self.headerBytes {
                bytes += [UInt8](repeating: 0, count: left)
                continue
            }
            let part = rest.prefix(left - Self.headerBytes)
            rest = rest.dropFirst(part.count)
            append(type: isFirst ? (rest.isEmpty ? 1 : 2) : (rest.isEmpty ? 4 : 3), part)
            isFirst = false
        } while isFirst || !rest.isEmpty
    }

    private mutating func append(type: UInt8, _ payload: ArraySlice<UInt8>) {
        let start = bytes.count
        bytes += [0, 0, 0, 0, UInt8(truncatingIfNeeded: payload.count), UInt8(truncatingIfNeeded: payload.count >> 8)]
        bytes.append(type)
        bytes += payload
        let checksum = WriteAheadLogFile.checksum(of: bytes, (start + 6)..<bytes.count)
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index)) }
    }

    /// Appends a record that every reader takes for damaged.
    mutating func appendDamage() {
        append([1])
        bytes[bytes.count - 1] ^= 1
    }
}
