/// A fast hash of bytes for tables, sketches and sampling within one process; not for cryptography, and not for
/// anything that is stored or sent, for ``process`` differs from run to run.
///
/// wyhash, final version 4.3, by Wang Yi (https://github.com/wangyi-fudan/wyhash, public domain): 64 bits from one
/// multiplication of 64 by 64 bits for every 16 bytes. Its constants are parameters here: the seed alone does not keep
/// a client who knows them from making keys that collide, so ``process`` draws them at random too.
public struct ByteHash: Sendable {
    private let seed: UInt64
    private let secret: (UInt64, UInt64, UInt64, UInt64)

    /// The hash of this process: seed and constants are drawn at random when it starts.
    public static let process = ByteHash.random()

    /// A hash with wyhash's own constants: the same in every process.
    public init(seed: UInt64) {
        self.init(
            seed: seed,
            secret: (0x2d35_8dcc_aa6c_78a5, 0x8bb8_4b93_962e_acc9, 0x4b33_a62e_d433_d4a3, 0x4d5a_2da5_1de1_aa47))
    }

    private init(seed: UInt64, secret: (UInt64, UInt64, UInt64, UInt64)) {
        self.secret = secret
        self.seed = seed ^ Self.mix(seed ^ secret.0, secret.1)
    }

    private static func random() -> ByteHash {
        var generator = SystemRandomNumberGenerator()
        let words = (0..<4).map { _ in balancedWord(&generator) }
        return ByteHash(seed: generator.next(), secret: (words[0], words[1], words[2], words[3]))
    }

    /// An odd number, four of whose bits are set in each byte, as wyhash asks of its constants.
    private static func balancedWord(_ generator: inout SystemRandomNumberGenerator) -> UInt64 {
        while true {
            let word = (0..<8).reduce(UInt64(0)) { word, _ in
                var byte: UInt8
                repeat { byte = UInt8.random(in: .min ... .max, using: &generator) } while byte.nonzeroBitCount != 4
                return word << 8 | UInt64(byte)
            }
            if word & 1 == 1 { return word }
        }
    }

    /// The hash of some bytes.
    public func hash(_ bytes: [UInt8]) -> UInt64 { hash(bytes.span) }

    /// The hash of a text's UTF-8.
    public func hash(_ text: String) -> UInt64 {
        var text = text
        // Safe: the bytes are read within the call only.
        return text.withUTF8 { unsafe hash(Span(_unsafeElements: $0)) }
    }

    /// The hash of an integer.
    @inline(__always)
    public func hash(_ value: UInt64) -> UInt64 {
        Self.mix(value ^ secret.0 ^ seed, value.byteSwapped ^ secret.1)
    }

    /// The hash of some bytes.
    public func hash(_ bytes: Span<UInt8>) -> UInt64 {
        let count = bytes.count
        var seed = seed
        let a: UInt64
        let b: UInt64
        if count > 16 {
            var offset = 0
            if count >= 48 {
                var second = seed
                var third = seed
                repeat {
                    seed = Self.mix(Self.read8(bytes, offset) ^ secret.1, Self.read8(bytes, offset + 8) ^ seed)
                    second = Self.mix(
                        Self.read8(bytes, offset + 16) ^ secret.2, Self.read8(bytes, offset + 24) ^ second)
                    third = Self.mix(
                        Self.read8(bytes, offset + 32) ^ secret.3, Self.read8(bytes, offset + 40) ^ third)
                    offset += 48
                } while count - offset >= 48
                seed ^= second ^ third
            }
            while count - offset > 16 {
                seed = Self.mix(Self.read8(bytes, offset) ^ secret.1, Self.read8(bytes, offset + 8) ^ seed)
                offset += 16
            }
            a = Self.read8(bytes, count - 16)
            b = Self.read8(bytes, count - 8)
        } else if count >= 4 {
            let shift = (count >> 3) << 2
            a = Self.read4(bytes, 0) << 32 | Self.read4(bytes, shift)
            b = Self.read4(bytes, count - 4) << 32 | Self.read4(bytes, count - 4 - shift)
        } else if count > 0 {
            a = UInt64(bytes[0]) << 16 | UInt64(bytes[count >> 1]) << 8 | UInt64(bytes[count - 1])
            b = 0
        } else {
            a = 0
            b = 0
        }
        let product = (a ^ secret.1).multipliedFullWidth(by: b ^ seed)
        return Self.mix(product.low ^ secret.0 ^ UInt64(count), product.high ^ secret.1)
    }

    /// The halves of the 128-bit product, folded into one.
    @inline(__always)
    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.low ^ product.high
    }

    @inline(__always)
    private static func read8(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset + 8 <= bytes.count, "out of range")
        // Safe: the range was just checked, and the type has no padding and no invalid values.
        return unsafe UInt64(
            littleEndian: bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    private static func read4(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset + 4 <= bytes.count, "out of range")
        // Safe: as above.
        return unsafe UInt64(
            UInt32(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self)))
    }
}
