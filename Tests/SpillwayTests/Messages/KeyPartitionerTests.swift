import Spillway
import Testing

@Suite struct KeyPartitionerTests {
    /// These never change: records are stored by them. FNV-1a of no bytes is its offset basis, mixed by fmix64.
    @Test(arguments: [
        ("", 0xefd0_1f60_ba99_2926 as UInt64), ("a", 0x82a2_a958_a9be_ce5b), ("video_abc123", 0x3e58_376b_a021_d2c7),
    ])
    func hashesAreFixed(_ key: String, _ hash: UInt64) { #expect(KeyPartitioner.hash(of: key.utf8) == hash) }

    @Test func spansAndSequencesAgree() {
        for number in 0..<1_000 {
            let key = Array("key\(number)".utf8)
            for count in [1, 2, 4, 7, 64] {
                let partition = KeyPartitioner.partition(for: key, of: count)
                #expect((0..<count).contains(partition))
                #expect(KeyPartitioner.partition(for: key.span, of: count) == partition)
            }
        }
    }

    @Test func spreadsEvenly() {
        var counts = Array(repeating: 0, count: 8)
        for number in 0..<80_000 { counts[KeyPartitioner.partition(for: "u\(number)".utf8, of: 8)] += 1 }
        #expect(counts.allSatisfy { (9_500...10_500).contains($0) })
    }
}
