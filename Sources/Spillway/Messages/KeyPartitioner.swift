/// Maps keys to partitions, the same way in every process, version and broker that has no rule of its own.
///
/// The hash is FNV-1a with 64 bits (Fowler, Noll, Vo; offset basis 0xcbf29ce484222325, prime 0x100000001b3) over the
/// key's bytes, finished with the 64-bit mixer of MurmurHash3 (`fmix64`, Appleby) because the low bits of FNV alone
/// are weak. The partition is the upper half of the product of the hash and the count (Lemire's range reduction).
/// This rule is part of the format of stored data: it never changes.
public enum KeyPartitioner {
    /// The partition of a key.
    ///
    /// - Parameters:
    ///   - key: the key's bytes; an empty key is a key like any other.
    ///   - count: the number of partitions, at least 1.
    @inlinable
    public static func partition(for key: some Sequence<UInt8>, of count: Int) -> Int {
        precondition(count > 0, "a topic has at least one partition")
        var state: UInt64 = offsetBasis
        for byte in key { state = (state ^ UInt64(byte)) &* prime }
        return reduce(mix(state), to: count)
    }

    /// The partition of a key in a span.
    @inlinable
    public static func partition(for key: Span<UInt8>, of count: Int) -> Int {
        precondition(count > 0, "a topic has at least one partition")
        var state: UInt64 = offsetBasis
        for index in key.indices { state = (state ^ UInt64(key[index])) &* prime }
        return reduce(mix(state), to: count)
    }

    /// The 64-bit hash that decides the partition, for tests and for tools in other languages.
    @inlinable
    public static func hash(of key: some Sequence<UInt8>) -> UInt64 {
        var state: UInt64 = offsetBasis
        for byte in key { state = (state ^ UInt64(byte)) &* prime }
        return mix(state)
    }

    @usableFromInline static let offsetBasis: UInt64 = 0xcbf2_9ce4_8422_2325
    @usableFromInline static let prime: UInt64 = 0x0000_0100_0000_01b3

    @inlinable
    static func mix(_ value: UInt64) -> UInt64 {
        var hash = value
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        hash = hash &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        return hash
    }

    @inlinable
    static func reduce(_ hash: UInt64, to count: Int) -> Int {
        Int(hash.multipliedFullWidth(by: UInt64(count)).high)
    }
}
