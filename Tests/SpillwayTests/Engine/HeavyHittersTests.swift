import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct HeavyHittersTests {
    private func time(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    /// Lets a million records pass: one key has the share, all others come once.
    private func shareSeen(of share: Double, seed: UInt64) -> Double {
        var random = SeededRandom(seed: seed)
        var sketch = HeavyHitters(window: .seconds(10))
        for number in UInt64(0)..<1_000_000 {
            _ = sketch.observe(random.chance(share) ? 1 : number &* 0x9e37_79b9_7f4a_7c15 | 1 << 63)
        }
        check(abs(sketch.total - 1_000_000) < 10)
        return sketch.share(of: 1)
    }

    @Test func aKeyWithAShareIsFoundAmongAMillionOthers() {
        for (seed, share) in [0.05, 0.3].enumerated() {
            let seen = shareSeen(of: share, seed: UInt64(seed))
            check(seen > share * 0.9 && seen < share * 1.05, "\(seen) of \(share)")
        }
    }

    @Test func aKeyWithASmallShareIsNotTakenForMore() {
        for (seed, share) in [0.001, 0.02].enumerated() {
            let seen = shareSeen(of: share, seed: UInt64(seed))
            check(seen < share * 1.1 + 0.001, "\(seen) of \(share)")
        }
    }

    @Test func aPatternOfTheStreamCantHide() {
        // Every fourth record is of one key: a choice of every fourth would see it always or never.
        for offset in 0..<4 {
            var sketch = HeavyHitters(window: .seconds(10))
            for number in 0..<100_000 { _ = sketch.observe(number % 4 == offset ? 1 : UInt64(number) + 1_000) }
            check(abs(sketch.share(of: 1) - 0.25) < 0.02)
        }
    }

    @Test func theWindowSlidesInHalves() {
        var sketch = HeavyHitters(window: .seconds(10))
        check(!sketch.slide(now: time(1_000)), "the first look only begins the window")
        func pass(_ hash: UInt64) { for _ in 0..<4_000 { _ = sketch.observe(hash) } }
        pass(1)
        check(!sketch.slide(now: time(5_999)) && sketch.share(of: 1) == 1)
        check(sketch.slide(now: time(6_000)))
        pass(2)
        check(abs(sketch.share(of: 1) - 0.5) < 0.01 && abs(sketch.share(of: 2) - 0.5) < 0.01)
        check(sketch.slide(now: time(11_000)))
        check(sketch.share(of: 1) == 0 && sketch.share(of: 2) == 1)
        // After a silence longer than the window nothing is left.
        check(sketch.slide(now: time(40_000)))
        check(sketch.share(of: 2) == 0 && sketch.total == 0)
    }

    @Test func theSameRecordsGiveTheSameShares() {
        func run() -> [Double] {
            var random = SeededRandom(seed: 4)
            var sketch = HeavyHitters(window: .seconds(1))
            return (0..<20_000).map { step in
                let hash = UInt64.random(in: 0..<300, using: &random)
                _ = sketch.observe(hash * hash)
                _ = sketch.slide(now: time(UInt64(step) / 10))
                return sketch.share(of: 4)
            }
        }
        check(run() == run())
    }
}

@Suite struct HotKeysTests {
    private func time(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    private let policy = HotKeyPolicy(share: 0.2, coolShare: 0.1, window: .seconds(2), minRecords: 400)

    /// Lets one second of 4,000 records pass in which the key 1 has a share.
    private func pass(_ share: Double, second: UInt64, _ hot: inout HotKeys, _ random: inout SeededRandom) {
        for number in UInt64(0)..<4_000 {
            let isIt = random.chance(share)
            let hash = isIt ? 1 : second << 32 | number + 10
            _ = hot.observe(hash, epoch: isIt ? 3 : 4, key: [isIt ? 1 : 2], now: time(second * 1_000 + number / 4))
        }
    }

    @Test func aKeyHeatsAtItsShareAndCoolsOnlyBelowTheLowerOne() {
        var random = SeededRandom(seed: 1)
        var hot = HotKeys(policy)
        var second: UInt64 = 1
        func isHot(at share: Double) -> Bool {
            for _ in 0..<4 {
                pass(share, second: second, &hot, &random)
                second += 1
            }
            return hot.keys[1] != nil
        }
        check(!isHot(at: 0.15), "it isn't hot below its share")
        check(isHot(at: 0.3))
        check(hot.keys[1]?.name == [1] && hot.keys.count == 1)
        check(isHot(at: 0.15), "it stays hot between the two")
        check(!isHot(at: 0.05))
        check(!isHot(at: 0.15), "and cold")
    }

    @Test func nothingIsHotBeforeEnoughWasSeen() {
        var hot = HotKeys(policy)
        var seen = 0
        while hot.keys.isEmpty, seen < 10_000 {
            _ = hot.observe(1, epoch: 1, key: [1], now: time(1))
            seen += 1
        }
        check(seen >= policy.minRecords && seen < policy.minRecords + 16)
    }

    @Test func aSilentKeyCoolsByTimeAlone() {
        var random = SeededRandom(seed: 2)
        var hot = HotKeys(policy)
        pass(0.5, second: 1, &hot, &random)
        pass(0.5, second: 2, &hot, &random)
        check(hot.keys.count == 1)
        check(!hot.tick(now: time(3_001)), "half of the window is left")
        check(hot.tick(now: time(4_002)) && hot.keys.isEmpty)
    }

    @Test func anAssignmentThatGoesTakesItsKeysAlong() {
        var random = SeededRandom(seed: 3)
        var hot = HotKeys(policy)
        pass(0.5, second: 1, &hot, &random)
        check(!hot.drop(epoch: 4) && hot.keys.count == 1)
        check(hot.drop(epoch: 3) && hot.keys.isEmpty)
    }
}
