/// A 64-bit hash that is the same in every process and version: what an idempotency key remembers of a body, and what
/// an entity tag says of an answer.
enum BodyHash {
    /// FNV-1a 64 (Fowler, Noll, Vo) over eight bytes at a time, then MurmurHash3's finalizer. Not keyed: a client that
    /// makes two bodies collide hears of the second what was true of the first, under its own idempotency key.
    static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
        var index = 0
        let span = bytes.span
        while index + 8 <= span.count {
            var word: UInt64 = 0
            for offset in 0..<8 { word |= UInt64(span[index + offset]) << UInt64(offset * 8) }
            hash = (hash ^ word) &* 0x0000_0100_0000_01B3
            hash ^= hash >> 32
            index += 8
        }
        while index < span.count {
            hash = (hash ^ UInt64(span[index])) &* 0x0000_0100_0000_01B3
            index += 1
        }
        hash ^= UInt64(span.count)
        hash ^= hash >> 33
        hash = hash &* 0xFF51_AFD7_ED55_8CCD
        hash ^= hash >> 33
        hash = hash &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ (hash >> 33)
    }
}
