import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@testable import SpillwayRocksDB

@Suite struct RocksDeduplicatorTests {
    /// A store in a directory of its own, which can be closed and opened again.
    final class Home: Sendable {
        let directory = TemporaryDirectory()
        let time = ManualTimeSource(wallMilliseconds: 1_700_000_000_000)
        let limits: DeduplicatorLimits
        private let opened = Mutex<(database: Database, store: RocksDeduplicator)?>(nil)

        init(_ limits: DeduplicatorLimits = DeduplicatorLimits()) { self.limits = limits }

        func open() throws -> RocksDeduplicator {
            let database = try Database.open(directory("data"))
            let store = try RocksDeduplicator(database, limits: limits, timeSource: time)
            opened.withLock { $0 = (database, store) }
            return store
        }

        func close() async throws {
            let taken = opened.withLock { opened in
                defer { opened = nil }
                return opened
            }
            guard let taken else { return }
            await taken.store.close()
            try taken.database.close()
        }

        var database: Database? { opened.withLock { $0?.database } }
    }

    private func id(_ number: Int) -> EventID { EventID(scope: [1], id: Array("\(number)".utf8)) }

    private func claims(_ store: RocksDeduplicator, _ numbers: Range<Int>) async throws -> [EventClaim] {
        try await store.begin(numbers.map(id)).compactMap { if case .first(let claim) = $0 { claim } else { nil } }
    }

    @Test(arguments: DeduplicatorConformance.checkNames)
    func conformance(_ name: String) async throws {
        let homes = Mutex<[Home]>([])
        let suite = DeduplicatorConformance(walks: 0..<10) { limits in
            let home = Home(limits)
            homes.withLock { $0.append(home) }
            return .init(
                try home.open(),
                reopen: {
                    try await home.close()
                    return try home.open()
                }, pass: { home.time.advance(by: $0) })
        }
        let result = await Task { try await suite.run(name) }.result
        for home in homes.withLock({ $0 }) { try await home.close() }
        try result.get()
    }

    @Test func numbersOfClaimsGrowOverRestartsWhateverTheClockSays() async throws {
        let home = Home()
        var last: UInt64 = 0
        for hours in [0, -24, 48, -72] {
            home.time.setWall(milliseconds: home.time.wallMilliseconds() + Int64(hours) * 3_600_000)
            let numbers = try await claims(try home.open(), 0..<100).map(\.number)
            #expect(numbers.count == 100 && numbers == numbers.sorted() && numbers[0] > last && numbers[99] < 1 << 63)
            last = numbers[99]
            try await home.close()
        }
    }

    @Test func aMarkIsSyncedWhenItsCompletionReturns() async throws {
        let home = Home()
        let store = try home.open()
        let database = try #require(home.database)
        for number in 0..<5 {
            let before = database.latestSequence
            #expect(try await store.complete(try await claims(store, number..<number + 1)) == [true])
            #expect(database.latestSequence > before)
            #expect(database.durableSequence >= database.latestSequence)
        }
        try await home.close()
    }

    @Test func completionsThatComeDuringASyncShareTheNext() async throws {
        let home = Home()
        let store = try home.open()
        let claims = try await claims(store, 0..<400)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for claim in claims {
                group.addTask { try await store.complete(claim) }
            }
            for try await isAccepted in group { #expect(isAccepted) }
        }
        #expect(store.markWrites < 200, "400 completions took \(store.markWrites) syncs")
        #expect(store.figures.entries == 400 && store.figures.claims == 0)
        try await home.close()
    }

    @Test func expiredMarksAreRemovedInStepsAndWithoutLookingAtLiveOnes() async throws {
        var limits = DeduplicatorLimits()
        limits.lifetime = .seconds(10)
        let home = Home(limits)
        let store = try home.open()
        _ = try await store.complete(try await claims(store, 0..<1_000))
        home.time.advance(by: .seconds(5))
        _ = try await store.complete(try await claims(store, 1_000..<2_000))
        home.time.advance(by: .seconds(5))
        // Two for each that comes, and sixteen.
        _ = try await store.complete(try await claims(store, 2_000..<2_001))
        #expect(store.figures.entries == 2_001 - 18)
        _ = try await store.complete(try await claims(store, 2_001..<2_401))
        #expect(store.figures.entries == 2_401 - 18 - 816)
        for number in 2_401..<2_500 { _ = try await store.complete(try await claims(store, number..<number + 1)) }
        // The thousand that expired have gone, no other.
        #expect(store.figures.entries == 1_500)
        for answer in try await store.begin((1_000..<2_500).map(id)) { #expect(answer == .duplicate) }
        let (entries, bytes) = (store.figures.entries, store.figures.bytes)
        try await home.close()
        let again = try home.open()
        #expect(again.figures.entries == entries && again.figures.bytes == bytes)
        for answer in try await again.begin((1_000..<2_500).map(id)) { #expect(answer == .duplicate) }
        try await home.close()
    }

    @Test func anEventThatExpiredAndWasHandledAgainIsCountedOnce() async throws {
        var limits = DeduplicatorLimits()
        limits.lifetime = .seconds(10)
        let home = Home(limits)
        let store = try home.open()
        _ = try await store.complete(try await claims(store, 0..<100))
        home.time.advance(by: .seconds(10))
        // The write removes these, as the oldest, and puts them again.
        _ = try await store.complete(try await claims(store, 0..<3))
        #expect(store.figures.entries == 100 - 22 + 3)
        // These are replaced before anything has removed them.
        _ = try await store.complete(try await claims(store, 90..<100))
        #expect(store.figures.entries == 100 - 22 + 3 - 36)
        for number in 100..<103 { _ = try await store.complete(try await claims(store, number..<number + 1)) }
        for answer in try await store.begin((Array(0..<3) + Array(90..<100)).map(id)) { #expect(answer == .duplicate) }
        #expect(store.figures.entries == 16)
        home.time.advance(by: .seconds(20))
        _ = try await store.complete(try await claims(store, 200..<201))
        #expect(store.figures.entries == 1)
        #expect(store.figures.bytes == id(200).byteCount)
        try await home.close()
    }

    @Test func aWallClockThatIsSetBackMakesMarksLiveLonger() async throws {
        var limits = DeduplicatorLimits()
        limits.lifetime = .seconds(10)
        let home = Home(limits)
        let store = try home.open()
        _ = try await store.complete(try await claims(store, 0..<40))
        home.time.advance(by: .seconds(10))
        // Removes the first, so that the floor of the walk is above what comes now.
        _ = try await store.complete(try await claims(store, 50..<51))
        home.time.setWall(milliseconds: home.time.wallMilliseconds() - 3_600_000)
        _ = try await store.complete(try await claims(store, 60..<61))
        home.time.advance(by: .seconds(10))
        #expect(try await claims(store, 60..<61).count == 1)
        _ = try await store.complete(try await claims(store, 61..<62))
        #expect(try await store.begin(id(50)) == .duplicate)
        // The early one has been found although it lies below the others.
        #expect(store.figures.entries == 40 - 18 + 1 + 1 + 1)
        try await home.close()
    }

    @Test func aFailedWriteLeavesTheClaimToBeCompletedAgain() async throws {
        let directory = TemporaryDirectory()
        let free = Mutex<Int64>(1 << 40)
        var configuration = Database.Configuration()
        configuration.reserveBytes = 1 << 30
        configuration.freeBytes = { _ in free.withLock { $0 } }
        let database = try Database.open(directory("data"), configuration)
        let store = try RocksDeduplicator(database)
        let claim = try #require(try await claims(store, 0..<1).first)
        free.withLock { $0 = 0 }
        try await Self.wait(for: .critical, in: database)
        let error = await #expect(throws: DeduplicatorError.self) { try await store.complete(claim) }
        #expect(error?.code == .failed && error?.isRetriable == true)
        #expect((error?.cause as? DatabaseError)?.code == .noSpace)
        if case .inProgress = try await store.begin(id(0)) {} else { Issue.record("the claim was lost") }
        free.withLock { $0 = 1 << 40 }
        try await Self.wait(for: .normal, in: database)
        #expect(try await store.complete(claim))
        #expect(try await store.begin(id(0)) == .duplicate)
        await store.close()
        await #expect(throws: DeduplicatorError.self) { try await store.begin(id(9)) }
        try database.close()
    }

    /// How far the calls of a test have come.
    private final class Steps: Sendable {
        let isLooking = Mutex(false)
        let mayLook = Mutex(false)
        let isClosed = Mutex(false)
    }

    /// A look that comes after the database has been closed reads memory that is not there any more.
    @Test func closingWaitsForACallThatHasYetToLook() async throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let steps = Steps()
        let store = try RocksDeduplicator(database) {
            steps.isLooking.withLock { $0 = true }
            while !steps.mayLook.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(1)) }
        }
        // Whatever fails, the call ends.
        defer { steps.mayLook.withLock { $0 = true } }
        let event = id(1)
        let begin = Task { try await store.begin(event) }
        try await eventually("the call has its claim") { steps.isLooking.withLock { $0 } }
        let closers = (0..<2).map { _ in
            Task {
                await store.close()
                steps.isClosed.withLock { $0 = true }
            }
        }
        var refusals = 0
        try await eventually("the store refuses calls, and closing waits or does not") {
            do { _ = try await store.complete([]) } catch let error as DeduplicatorError {
                refusals += error.code == .closed ? 1 : 0
            }
            return refusals > 20 || steps.isClosed.withLock { $0 }
        }
        #expect(!steps.isClosed.withLock { $0 }, "a call is under way")
        steps.mayLook.withLock { $0 = true }
        let answer = try await begin.value
        if case .first = answer {} else { Issue.record("the call that had begun was answered \(answer)") }
        for closer in closers { await closer.value }
        await store.close()
        try database.close()
    }

    /// The free space is looked at every few milliseconds.
    private static func wait(for level: DiskReserve.Level, in database: Database) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while database.reserve.level != level {
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
