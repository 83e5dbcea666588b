import SpillwayCore
import Testing

@Suite struct ByteHashTests {
    /// The values of wyhash's own test_vector.cpp; the seed is the index.
    @Test func agreesWithThePublishedVectors() {
        let vectors: [(String, UInt64)] = [
            ("", 0x9322_8a4d_e0ee_c5a2), ("a", 0xc5ba_c3db_1787_13c4), ("abc", 0xa97f_2f7b_1d9b_3314),
            ("message digest", 0x786d_1f1d_f380_1df4), ("abcdefghijklmnopqrstuvwxyz", 0xdca5_a813_8ad3_7c87),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 0xb9e7_34f1_17cf_af70),
        ]
        for (seed, vector) in vectors.enumerated() {
            #expect(ByteHash(seed: UInt64(seed)).hash(vector.0) == vector.1, "\(vector.0)")
            #expect(ByteHash(seed: UInt64(seed)).hash(Array(vector.0.utf8)) == vector.1, "\(vector.0)")
        }
    }

    /// Outputs of wyhash 4.3 for the bytes 0, 1, 2 … with seed 0, at the lengths where the path changes.
    @Test(
        arguments: [
            (0, 0x9322_8a4d_e0ee_c5a2), (1, 0x8e6d_4af7_d310_c8c4), (3, 0x78c4_aa0c_972a_522d),
            (4, 0xe08a_eeb6_8058_fb32), (7, 0x094e_98fe_b605_5cc6), (8, 0xb4d6_ac74_d009_e1d4),
            (9, 0xb429_22e0_19b4_09be), (15, 0x87ed_af96_d89a_08ef), (16, 0x305f_dea0_ed4a_2619),
            (17, 0xd29f_fdd2_01a4_6f9a), (32, 0x5b00_c06e_f754_0f8f), (33, 0x5e1a_2536_ff90_cc32),
            (47, 0xe2cb_58f6_ab8e_4419), (48, 0xecbf_b7ff_9e3d_9a97), (49, 0x0691_f11b_ac52_3a91),
            (95, 0xa39f_0af7_3a3e_ee99), (96, 0x9481_37d6_9794_b570), (97, 0x2501_5757_38d1_09be),
            (255, 0x530e_a0c8_a69b_b188), (1024, 0x804d_d1e6_f38e_5361),
        ] as [(Int, UInt64)])
    func agreesAtEveryLength(count: Int, expected: UInt64) {
        #expect(ByteHash(seed: 0).hash((0..<count).map { UInt8(truncatingIfNeeded: $0) }) == expected)
    }

    @Test func processHashIsNotThePublicOne() {
        #expect(ByteHash.process.hash("abc") != ByteHash(seed: 0).hash("abc"))
        #expect(ByteHash.process.hash("abc") == ByteHash.process.hash([0x61, 0x62, 0x63]))
    }

    /// Every bit of the input turns about half of the bits of the output.
    @Test func spreadsSmallChanges() {
        let hash = ByteHash(seed: 42)
        for count in [1, 4, 8, 16, 40, 64] {
            var bytes = [UInt8](repeating: 7, count: count)
            let before = hash.hash(bytes)
            var turned = 0
            for bit in 0..<(count * 8) {
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                turned += (hash.hash(bytes) ^ before).nonzeroBitCount
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            let mean = Double(turned) / Double(count * 8)
            #expect((26...38).contains(mean), "\(count) bytes: \(mean) bits")
        }
        #expect(Set((0..<10_000).map { hash.hash(UInt64($0)) & 0xFFFF }).count > 9_000)
    }
}
