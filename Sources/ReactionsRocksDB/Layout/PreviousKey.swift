internal import Spillway

/// The key of a kept previous state: the partition in two bytes, then the position; rises with time in a partition.
enum PreviousKey {
    static func append(partition: Int, position: Position, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: partition >> 8))
        bytes.append(UInt8(truncatingIfNeeded: partition))
        Numbers.append(fixed: position.high, to: &bytes)
        Numbers.append(fixed: position.low, to: &bytes)
    }

    static func bytes(partition: Int, position: Position) -> [UInt8] {
        var bytes: [UInt8] = []
        append(partition: partition, position: position, to: &bytes)
        return bytes
    }
}
