import Spillway
import SpillwayTesting
import Testing

@testable import Reactions

@Suite struct LogPositionTests {
    private func at(_ epoch: UInt64, _ partition: Int, _ sequence: UInt64) -> LogPosition {
        LogPosition(partition: partition, position: Position(high: epoch, low: sequence))
    }

    @Test func manyPositionsCostTheirPartitionsOnly() {
        var random = SeededRandom(seed: 5)
        let positions = (0..<1_024).map { _ in
            at(
                .random(in: 1...2, using: &random), .random(in: 0..<3, using: &random),
                .random(in: 0..<9_000, using: &random))
        }
        let highest = LogPosition.highest(of: positions)
        #expect(highest.map(\.partition).sorted() == [0, 1, 2])
        for position in highest {
            #expect(positions.contains(position))
            let others = positions.filter { $0.partition == position.partition }
            #expect(others.allSatisfy { $0.position <= position.position })
        }
    }

    /// An epoch's start is after all of the epoch before.
    @Test func theEpochCountsBeforeTheSequence() {
        #expect(LogPosition.highest(of: [at(1, 0, 900), at(2, 0, 3), at(1, 0, 1_000)]) == [at(2, 0, 3)])
        #expect(LogPosition.highest(of: [at(1, 2, 7)]) == [at(1, 2, 7)])
        #expect(LogPosition.highest(of: []).isEmpty)
    }
}
