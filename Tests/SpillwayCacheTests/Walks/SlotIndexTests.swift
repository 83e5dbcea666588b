import Testing

@testable import SpillwayCache

@Suite("The index of slots")
struct SlotIndexTests {
    @Test("finds what a dictionary finds, with hashes that collide", arguments: 0..<10 as Range<UInt64>)
    func walk(seed: UInt64) throws {
        var chance = SeededGenerator(state: seed)
        var index = SlotIndex()
        var model: [Int: UInt64] = [:]
        for _ in 0..<20_000 {
            let slot = Int.random(in: 0..<500, using: &chance)
            if let hash = model.removeValue(forKey: slot) {
                index.remove(hash, slot: slot)
            } else {
                // Few homes, so that runs wrap and overlap.
                let hash = UInt64.random(in: 0..<40, using: &chance) &* 0x0101_0000_0003
                model[slot] = hash
                _ = index.insert(hash, slot: slot)
            }
            let probe = Int.random(in: 0..<500, using: &chance)
            let hash = model[probe] ?? 3
            try #require(index.find(hash) { $0 == probe } == (model[probe] == nil ? -1 : probe))
            try #require(index.count == model.count)
        }
        for (slot, hash) in model { try #require(index.find(hash) { $0 == slot } == slot) }
    }
}
