import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct AckWindowTests {
    private func at(_ low: UInt64) -> Position { Position(high: 1, low: low) }

    @Test func commitsTheLowestUnfinished() {
        var window = AckWindow(start: at(10))
        check(window.commitPosition == at(10))
        let places = [12, 15, 20, 21].map { window.receive(at($0), timestampMs: Int64($0)) ?? .max }
        check(window.commitPosition == at(12))
        check(window.finish(places[1]))
        check(window.commitPosition == at(12) && window.oldestTimestampMs == 12)
        check(window.finish(places[0]))
        check(window.commitPosition == at(20))
        check(window.finish(places[3]))
        check(window.commitPosition == at(20))
        check(window.finish(places[2]))
        // After the last one received, not beyond.
        check(window.commitPosition == at(22) && window.trackedCount == 0 && window.oldestTimestampMs == nil)
    }

    @Test func refusesRepeatsAndStaleCompletions() {
        var window = AckWindow(start: at(10))
        check(window.receive(at(9), timestampMs: 0) == nil)
        let first = window.receive(at(11), timestampMs: 0) ?? .max
        check(window.receive(at(11), timestampMs: 0) == nil)
        check(window.receive(at(10), timestampMs: 0) == nil)
        check(window.finish(first))
        check(!window.finish(first))
        check(!window.finish(99))
        let second = window.receive(at(12), timestampMs: 0) ?? .max
        // The first's place is not the second's.
        check(!window.finish(first) && window.commitPosition == at(12))
        check(window.finish(second) && window.commitPosition == at(13))
    }

    @Test func passesAnEpochOfTheLog() {
        var window = AckWindow(start: at(1))
        let old = window.receive(Position(high: 1, low: .max), timestampMs: 0) ?? .max
        let new = window.receive(Position(high: 2, low: 5), timestampMs: 0) ?? .max
        check(window.finish(old) && window.commitPosition == Position(high: 2, low: 5))
        check(window.finish(new) && window.commitPosition == Position(high: 2, low: 6))
    }

    @Test func walksAgainstAModel() {
        for seed in UInt64(0)..<100 {
            var random = SeededRandom(seed: seed)
            var window = AckWindow(start: at(0))
            var model: [(position: Position, place: UInt64, isFinished: Bool)] = []
            var position: UInt64 = 0
            for _ in 0..<300 {
                if random.chance(0.5) {
                    position += UInt64.random(in: 1...3, using: &random)
                    guard let place = window.receive(at(position), timestampMs: 0) else {
                        Issue.record("a new position is taken")
                        return
                    }
                    model.append((at(position), place, false))
                } else if let index = model.indices.filter({ !model[$0].isFinished }).randomElement(using: &random) {
                    model[index].isFinished = true
                    check(window.finish(model[index].place))
                }
                let expected =
                    model.first { !$0.isFinished }?.position ?? (model.isEmpty ? at(0) : at(position).successor)
                check(window.commitPosition == expected)
                check(window.unfinishedCount == model.count { !$0.isFinished })
                let above = model.filter { $0.isFinished && $0.position >= expected }.map(\.position)
                let ranges = window.finishedRanges(limit: .max)
                check(above.allSatisfy { position in ranges.contains { $0.contains(position) } })
                let open = model.filter { !$0.isFinished }.map(\.position)
                check(!open.contains { position in ranges.contains { $0.contains(position) } })
            }
        }
    }
}

@Suite struct CommitHintTests {
    private func range(_ lower: UInt64, _ upper: UInt64, high: UInt64 = 1) -> ClosedRange<Position> {
        Position(high: high, low: lower)...Position(high: high, low: upper)
    }

    @Test func comesBackAsItWas() throws {
        let commit = Position(high: 1, low: 10)
        let hint = CommitHint(ranges: [range(11, 11), range(13, 400), range(2, 9, high: 3)])
        let bytes = try unwrap(hint.encoded(commit: commit, maxBytes: 1_024))
        check(CommitHint(decoding: bytes, commit: commit) == hint)
        check(CommitHint(ranges: []).encoded(commit: commit, maxBytes: 1_024) == nil)
    }

    @Test func isBounded() throws {
        let commit = Position(high: 1, low: 0)
        let hint = CommitHint(ranges: (1...500).map { range($0 * 10, $0 * 10 + 3) })
        for maxBytes in [0, 10, 14, 15, 16, 50, 1_000] {
            let bytes = hint.encoded(commit: commit, maxBytes: maxBytes)
            check((bytes?.count ?? 0) <= maxBytes)
            guard let bytes else { continue }
            let known = try unwrap(CommitHint(decoding: bytes, commit: commit))
            check(known.ranges == Array(hint.ranges.prefix(known.ranges.count)))
        }
    }

    @Test func foreignAndDamagedHintsSayNothing() throws {
        let commit = Position(high: 1, low: 10)
        let bytes = try unwrap(CommitHint(ranges: [range(11, 13)]).encoded(commit: commit, maxBytes: 100))
        check(CommitHint(decoding: bytes, commit: Position(high: 1, low: 11)) == nil)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1
            check(CommitHint(decoding: damaged, commit: commit) == nil)
            check(CommitHint(decoding: Array(bytes[..<index]), commit: commit) == nil)
        }
        check(CommitHint(decoding: [], commit: commit) == nil)
        check(CommitHint(decoding: Array("someone else's metadata".utf8), commit: commit) == nil)
        var random = SeededRandom(seed: 1)
        for _ in 0..<2_000 {
            let noise = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            check(CommitHint(decoding: noise, commit: commit) == nil)
        }
    }
}
