import Glibc

/// Random numbers for loads: xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators,
/// scrambled"). Not for secrets.
struct FastRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// From 0 up to, not including, 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// The time to the next event of a Poisson process, in the unit of 1/rate.
    mutating func exponential(rate: Double) -> Double { -log(1 - unit()) / rate }
}
