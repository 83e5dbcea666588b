import SpillwayRocksDB
import SpillwayTesting
import Synchronization
import Testing

/// Memtables that are hashed by prefix must look like any other: before a flush, during one, behind it.
@Suite struct HashedMemtableTests {
    let directory = TemporaryDirectory()

    private static let deepStart = [UInt8](repeating: 7, count: 15)

    private func start(of family: String) -> [UInt8] { family == "deep" ? Self.deepStart : [] }

    private func open() throws -> Database {
        var hashed = ColumnFamily.Options(name: "hashed")
        hashed.prefixBytes = 2
        hashed.memtable = .hashed(buckets: 16)
        // The first bytes of all keys are the same, more than a sort looks at before it looks at the key.
        var deep = hashed
        deep.name = "deep"
        deep.prefixBytes = Self.deepStart.count + 2
        var appended = hashed
        appended.name = "appended"
        appended.memtable = .appended
        let plain = ColumnFamily.Options(name: "plain")
        var configuration = Database.Configuration()
        configuration.families = [hashed, deep, appended, plain]
        return try Database.open(directory("data"), configuration)
    }

    private func all(_ database: Database, _ name: String) throws -> [[UInt8]] {
        let walk = database.iterator(try database.family(name))
        var found: [[UInt8]] = []
        walk.seekToFirst()
        while walk.isValid {
            found.append(walk.key.dropFirst(start(of: name).count) + [0] + walk.value)
            walk.next()
        }
        try walk.check()
        return found
    }

    private func prefix(_ database: Database, _ name: String, _ prefix: [UInt8]) throws -> [[UInt8]] {
        let prefix = start(of: name) + prefix
        var options = Database.IteratorOptions(lower: prefix, upper: nil)
        options.staysInPrefix = true
        let walk = database.iterator(try database.family(name), options)
        var found: [[UInt8]] = []
        var isValid = walk.seek(to: prefix)
        while isValid {
            found.append(Array(walk.key.dropFirst(start(of: name).count)))
            isValid = walk.next()
        }
        try walk.check()
        return found
    }

    @Test(arguments: [UInt64(1), 2, 3]) func looksLikeASkipList(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var database = try open()
        let batch = WriteBatch()
        for round in 0..<6 {
            for _ in 0..<500 {
                let length = Int.random(in: 1...6, using: &random)
                let key = (0..<length).map { _ in UInt8.random(in: 0...3, using: &random) }
                let value = [UInt8(round), UInt8.random(in: 0...255, using: &random)]
                let isRemoval = UInt8.random(in: 0..<4, using: &random) == 0
                for name in ["hashed", "deep", "appended", "plain"] {
                    let family = try database.family(name)
                    let key = start(of: name) + key
                    if isRemoval {
                        batch.delete(family, key)
                    } else {
                        batch.put(family, key, value)
                    }
                }
            }
            try database.write(batch)
            batch.removeAll()
            for name in ["hashed", "deep", "appended"] {
                #expect(try all(database, name) == all(database, "plain"))
                let start: [UInt8] = [UInt8.random(in: 0...3, using: &random), 1]
                let expected = try all(database, "plain").map { Array($0.dropLast(3)) }.filter {
                    $0.starts(with: start)
                }
                #expect(try prefix(database, name, start) == expected)
            }
            if round % 2 == 1 {
                for name in ["hashed", "deep", "appended"] { try database.flush(database.family(name)) }
            }
            if round == 3 {
                try database.close()
                database = try open()
            }
        }
        try database.close()
    }

    /// A few rows between any two walks, which stay apart from the many of before for a while.
    @Test(arguments: ["deep", "appended"]) func isWalkedBothWaysBehindSmallWrites(name: String) throws {
        var random = SeededRandom(seed: 5)
        let database = try open()
        let batch = WriteBatch()
        func key() -> [UInt8] { start(of: name) + (0..<3).map { _ in UInt8.random(in: 0...15, using: &random) } }
        for round in 0..<600 {
            for _ in 0..<(round == 0 ? 2_000 : Int.random(in: 1...4, using: &random)) {
                let (key, isRemoval) = (key(), random.chance(0.3))
                for family in [try database.family(name), try database.family("plain")] {
                    if isRemoval { batch.delete(family, key) } else { batch.put(family, key, [UInt8(round & 255)]) }
                }
            }
            try database.write(batch)
            batch.removeAll()
            let walks = [name, "plain"].compactMap { try? database.iterator(database.family($0)) }
            let (target, isBack) = (key(), random.chance(0.5))
            for walk in walks {
                switch round % 5 {
                case 0: walk.seekToFirst()
                case 1: walk.seekToLast()
                default: if isBack { walk.seek(backTo: target) } else { walk.seek(to: target) }
                }
            }
            for _ in 0..<20 {
                try #require(walks[0].isValid == walks[1].isValid)
                guard walks[0].isValid else { break }
                try #require(walks[0].key == walks[1].key && walks[0].value == walks[1].value)
                let turns = random.chance(isBack ? 0.8 : 0.2)
                for walk in walks { if turns { walk.previous() } else { walk.next() } }
            }
        }
        try database.close()
    }

    /// What all keys begin with gets shorter from round to round, and a walk that began before goes on in its order.
    @Test func staysSortedWhenKeysBeginWithLessAndLess() throws {
        var random = SeededRandom(seed: 9)
        let database = try open()
        let families = try ["appended", "plain"].map { try database.family($0) }
        let batch = WriteBatch()
        for shared in stride(from: 40, through: 0, by: -1) {
            let under = families.map { family in
                let walk = database.iterator(family)
                walk.seekToFirst()
                for _ in 0..<10 where walk.isValid { walk.next() }
                return walk
            }
            for _ in 0..<40 {
                let kind = UInt8.random(in: 1...2, using: &random)
                let tail = (0..<Int.random(in: 0...24, using: &random)).map { _ in
                    UInt8.random(in: 0...2, using: &random)
                }
                let key = [kind] + [UInt8](repeating: 1, count: shared) + tail
                for family in families { batch.put(family, key, [UInt8(shared)]) }
            }
            try database.write(batch)
            batch.removeAll()
            #expect(try all(database, "appended") == all(database, "plain"))
            while under[1].isValid {
                try #require(under[0].isValid && under[0].key == under[1].key)
                for walk in under { walk.next() }
            }
            #expect(!under[0].isValid)
        }
        try database.flush(families[0])
        #expect(try all(database, "appended") == all(database, "plain"))
        try database.close()
    }

    private final class Progress: Sendable {
        let written = Atomic<Int>(0)
    }

    /// Walkers beside a writer see everything that was written before they began, in order, flushes or not.
    @Test(arguments: ["hashed", "appended"]) func isWalkedWhileItIsWritten(name: String) async throws {
        let database = try open()
        let family = try database.family(name)
        let progress = Progress()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let batch = WriteBatch()
                for number in 0..<6_000 {
                    batch.removeAll()
                    batch.put(family, [1, 1, UInt8(number >> 8), UInt8(number & 255)], [7])
                    try database.write(batch)
                    progress.written.store(number + 1, ordering: .releasing)
                    if number % 2_000 == 1_500 { try database.flush(family) }
                }
            }
            for walker in 0..<2 {
                group.addTask {
                    while progress.written.load(ordering: .acquiring) < 6_000 {
                        let before = progress.written.load(ordering: .acquiring)
                        let found =
                            walker == 0 ? try all(database, name).count : try prefix(database, name, [1, 1]).count
                        #expect(found >= before)
                    }
                    let keys = try prefix(database, name, [1, 1])
                    #expect(keys == (0..<6_000).map { [1, 1, UInt8($0 >> 8), UInt8($0 & 255)] })
                }
            }
            try await group.waitForAll()
        }
        try database.close()
    }

    @Test func aSnapshotDoesNotMove() throws {
        let database = try open()
        let family = try database.family("hashed")
        let batch = WriteBatch()
        batch.put(family, [1, 1, 1], [1])
        try database.write(batch)
        let before = database.snapshot()
        for value in UInt8(2)...100 {
            batch.removeAll()
            batch.put(family, [1, 1, 1], [value])
            try database.write(batch)
        }
        #expect(try database.get(family, [1, 1, 1], options: .init(snapshot: before)) == [1])
        try database.flush(family)
        #expect(try database.get(family, [1, 1, 1], options: .init(snapshot: before)) == [1])
        #expect(try database.get(family, [1, 1, 1]) == [100])
    }
}
