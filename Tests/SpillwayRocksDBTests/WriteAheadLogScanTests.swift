import Testing

@testable import SpillwayRocksDB

/// The verdict on damaged logs, on logs that are written by hand.
@Suite struct WriteAheadLogScanTests {
    /// A batch with one change: sequence, count, one put into the default family, and a witness.
    func batch(_ sequence: UInt64, witness: UInt64, size: Int = 10) -> [UInt8] {
        func little(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
        }
        func varint(_ value: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            LogEncoding.append(varint: value, to: &bytes)
            return bytes
        }
        let data = Witness.magic + little(witness, 8)
        return little(sequence, 8) + little(1, 4) + [1, 1, 7] + varint(size) + [UInt8](repeating: 9, count: size)
            + [3] + varint(data.count) + data
    }

    /// A file of the batches, as RocksDB writes it.
    func file(_ batches: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for batch in batches {
            var rest = batch[...]
            var isFirst = true
            repeat {
                let left = WriteAheadLogFile.blockBytes - bytes.count % WriteAheadLogFile.blockBytes
                if left < 7 {
                    bytes += [UInt8](repeating: 0, count: left)
                    continue
                }
                let part = rest.prefix(left - 7)
                rest = rest.dropFirst(part.count)
                let type: UInt8 = isFirst ? (rest.isEmpty ? 1 : 2) : (rest.isEmpty ? 4 : 3)
                let typed = [type] + part
                let masked = WriteAheadLogFile.checksum(of: typed, typed.indices)
                bytes += (0..<4).map { UInt8(truncatingIfNeeded: masked >> (8 * $0)) }
                bytes += [UInt8(truncatingIfNeeded: part.count), UInt8(truncatingIfNeeded: part.count >> 8)] + typed
                isFirst = false
            } while !rest.isEmpty
        }
        return bytes
    }

    func scan(_ files: [[UInt8]]) -> WriteAheadLogScan {
        WriteAheadLogScan(files: files.enumerated().map { ("\($0).log", $1) })
    }

    @Test func aWholeLogIsWhole() {
        let batches = (1...50).map { batch(UInt64($0), witness: UInt64($0 - 1), size: $0 * 997) }
        let scan = scan([file(Array(batches[..<20])), file(Array(batches[20...]))])
        #expect(!scan.isDamaged)
        #expect(!scan.isSyncedDataLost)
        #expect(scan.batches == 50)
        #expect(scan.end == 51)
        #expect(scan.witnessed == 49)
    }

    @Test(arguments: 0..<60)
    func aHoleCountsIfAWitnessBehindItVouchesForIt(_ seed: UInt64) {
        var random = Generator(state: seed)
        // Changes 1 to 20 are synced, as batch 21 and later ones say; 22 to 40 never were.
        var bytes: [UInt8] = []
        var starts: [Int] = []
        let batches = (1...40).map { batch(UInt64($0), witness: $0 > 20 ? 20 : UInt64($0 - 1), size: $0 * 499) }
        for count in 1...40 { starts.append(file(Array(batches[..<count])).count) }
        bytes = file(batches)
        let damaged = Int.random(in: 2...39, using: &random)
        // Somewhere in that batch: behind the end of the one before it.
        let at = Int.random(in: (starts[damaged - 2] + 20)..<(starts[damaged - 1] - 1), using: &random)
        bytes[at] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
        let scan = scan([bytes])
        // A flip in the few bytes that fill a block changes nothing.
        guard scan.isDamaged else { return }
        #expect(scan.isSyncedDataLost == (damaged <= 20), "batch \(damaged), byte \(at)")
        #expect(scan.batches >= 38)
    }

    @Test func zerosAndATornEndAreNotCountedAsLoss() {
        var bytes = file((1...10).map { batch(UInt64($0), witness: 5) })
        let end = bytes.count
        bytes += [UInt8](repeating: 0, count: 5_000)
        #expect(!scan([bytes]).isSyncedDataLost)
        #expect(scan([bytes]).end == 11)
        for cut in (end - 40)..<end {
            let scan = scan([Array(bytes[..<cut])])
            #expect(!scan.isSyncedDataLost)
            #expect(scan.end == 10)
        }
    }

    @Test func zerosBehindTheLastRecordAreWhereTheNextWouldStand() {
        let zeros = [UInt8](repeating: 0, count: 100_000)
        let first = file((1...10).map { batch(UInt64($0), witness: UInt64($0 - 1)) })
        let second = file((11...20).map { batch(UInt64($0), witness: UInt64($0 - 1)) })
        #expect(!scan([first + zeros]).isDamaged)
        // The process ended before it had cut the first file to its length.
        #expect(!scan([first + zeros, second + zeros]).isDamaged)
        let cut = file((1...7).map { batch(UInt64($0), witness: UInt64($0 - 1)) })
        #expect(scan([cut + zeros, second]).isSyncedDataLost)
    }

    @Test func aFileCutShortIsMissedByTheNext() {
        let first = file((1...10).map { batch(UInt64($0), witness: UInt64($0 - 1)) })
        let second = file((11...20).map { batch(UInt64($0), witness: UInt64($0 - 1)) })
        let cut = file((1...7).map { batch(UInt64($0), witness: UInt64($0 - 1)) })
        #expect(!scan([first, second]).isDamaged)
        let missing = scan([cut, second])
        #expect(missing.firstLost == 8)
        #expect(missing.isSyncedDataLost)
    }

    @Test func damageToAWitnessAloneStillRefusesWhatStandsBehindIt() {
        // Nothing is missing, but RocksDB would drop the batches behind, which had been synced.
        var bytes = file((1...5).map { batch(UInt64($0), witness: UInt64($0 - 1)) })
        let at = bytes.count + 10
        bytes += [UInt8](repeating: 0xff, count: 40)
        bytes += file([batch(6, witness: 5), batch(7, witness: 6)])
        #expect(at < bytes.count)
        #expect(scan([bytes]).isSyncedDataLost)
    }
}
