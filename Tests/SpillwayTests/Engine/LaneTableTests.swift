import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct LaneTableTests {
    /// Hashes that begin at few places of the table, some of them at its end, so that runs meet and wrap around.
    private func hashes(_ count: Int, lowBits: [UInt64]) -> [UInt64] {
        (0..<count).map { UInt64($0 + 1) << 32 | lowBits[$0 % lowBits.count] }
    }

    private func walk(_ seed: UInt64, _ hashes: [UInt64], most: Int) {
        var random = SeededRandom(seed: seed)
        var table = LaneTable()
        var model: [UInt64: Int] = [:]
        for step in 0..<2_000 {
            let hash = hashes[Int.random(in: hashes.indices, using: &random)]
            if let number = model[hash] {
                table.remove(hash, number)
                model[hash] = nil
            } else if model.count < most {
                table.insert(hash, step)
                model[hash] = step
            }
            check(table.count == model.count)
            // Now and then all of them, else the one that changed.
            for hash in step % 64 == 0 ? hashes : [hash] {
                check(table.find(hash) { _ in true } == model[hash])
                var index = table.start(hash)
                check(table.next(hash, &index) == model[hash])
                check(table.next(hash, &index) == nil, "a hash that was put in once is found once")
            }
        }
    }

    @Test func walksAgainstADictionaryWhereAllCollide() {
        for seed in UInt64(0)..<20 { walk(seed, hashes(40, lowBits: [5]), most: 30) }
    }

    @Test func walksAgainstADictionaryWhereRunsWrapAround() {
        for seed in UInt64(0)..<20 { walk(seed, hashes(60, lowBits: [61, 62, 63, 63, 0, 2]), most: 30) }
    }

    @Test func walksAgainstADictionaryWhileItGrows() {
        for seed in UInt64(0)..<4 { walk(seed, hashes(700, lowBits: [1, 63, 127, 255, 4_095]), most: 700) }
    }

    @Test func theCallerSaysWhichOfOneHashItIs() {
        var table = LaneTable()
        for number in 0..<5 { table.insert(7, number) }
        for number in 0..<5 { check(table.find(7) { $0 == number } == number) }
        table.remove(7, 2)
        check(table.find(7) { $0 == 2 } == nil && table.find(7) { $0 == 4 } == 4 && table.count == 4)
        check(table.find(8) { _ in true } == nil)
    }
}
