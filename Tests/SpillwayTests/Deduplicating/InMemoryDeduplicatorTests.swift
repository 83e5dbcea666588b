import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

@Suite struct InMemoryDeduplicatorTests {
    @Test(arguments: DeduplicatorConformance.checkNames)
    func conformance(_ name: String) async throws {
        try await DeduplicatorConformance(walks: 0..<200) { limits in
            let time = ManualTimeSource()
            let store = try InMemoryDeduplicator(limits: limits, timeSource: time)
            return .init(store) { time.advance(by: $0) }
        }.run(name)
    }

    @Test func aLateCompletionThatNobodyOvertookIsAccepted() async throws {
        let time = ManualTimeSource()
        let store = try InMemoryDeduplicator(timeSource: time)
        let id = EventID(scope: [], id: [1])
        guard case .first(let claim) = try await store.begin(id) else { return check(false) }
        time.advance(by: .seconds(3_600))
        check(try await store.complete(claim))
        check(try await store.begin(id) == .duplicate)
    }

    @Test func whatEndedIsForgottenWhileOneClaimIsHeldForLong() async throws {
        let time = ManualTimeSource()
        var limits = DeduplicatorLimits()
        limits.lifetime = .milliseconds(1)
        let store = try InMemoryDeduplicator(limits: limits, timeSource: time)
        _ = try await store.begin(EventID(scope: [], id: [1]))
        for number in 0..<2_000 {
            let id = EventID(scope: [2], id: Array("\(number)".utf8))
            guard case .first(let claim) = try await store.begin(id) else { return check(false) }
            check(try await store.complete(claim))
            time.advance(by: .milliseconds(1))
            check(store.figures.entries <= 3)
        }
        check(store.figures.claims == 1)
    }

    @Test func namesTheLimitThatIsOutOfItsRange() {
        func refuses(_ field: String, _ change: (inout DeduplicatorLimits) -> Void) {
            var limits = DeduplicatorLimits()
            change(&limits)
            let error = #expect(throws: DeduplicatorError.self) { try InMemoryDeduplicator(limits: limits) }
            #expect(error?.code == .invalidConfiguration && error?.message.contains(field) == true)
            #expect(error?.isRetriable == false)
        }
        refuses("lifetime") { $0.lifetime = .zero }
        refuses("claimLease") { $0.claimLease = .zero }
        refuses("maxEntries") { $0.maxEntries = 0 }
        refuses("maxBytes") { $0.maxBytes = 4_095 }
    }

    /// A store without one of the guards: the suite must say so.
    @Test(arguments: BrokenDeduplicator.Fault.allCases)
    func theSuiteFindsThePlantedBug(_ fault: BrokenDeduplicator.Fault) async throws {
        let suite = DeduplicatorConformance(walks: 0..<50) { limits in
            let time = ManualTimeSource()
            let store = try InMemoryDeduplicator(limits: limits, timeSource: time)
            return .init(BrokenDeduplicator(store: store, fault: fault)) { time.advance(by: $0) }
        }
        await #expect(throws: (any Error).self) { try await suite.runAll() }
    }
}

/// A deduplicator that does one thing wrong.
struct BrokenDeduplicator: Deduplicator {
    enum Fault: CaseIterable {
        /// Marks when the handler begins.
        case marksEarly
        /// Lets two in at a time.
        case claimsNothing
        /// Gives an id back that somebody else has taken over.
        case acceptsLateCompletions
        /// Says that it kept what it did not keep.
        case losesMarks
        /// Answers a new id as handled.
        case passesOverNewOnes
        /// Answers in another order.
        case answersOutOfOrder
        /// Makes room without need.
        case isNeverFull
        /// Gives up what a cancelled task completes.
        case dropsWhatIsCancelled
    }

    let store: InMemoryDeduplicator
    let fault: Fault
    var figures: DeduplicatorFigures { store.figures }

    func begin(_ ids: [EventID]) async throws -> [DeduplicationAnswer] {
        let answers = try await store.begin(ids)
        switch fault {
        case .marksEarly:
            for case .first(let claim) in answers { _ = try await store.complete(claim) }
            return answers
        case .claimsNothing:
            for case .first(let claim) in answers { await store.abandon(claim) }
            return answers
        case .passesOverNewOnes:
            return answers.map { if case .first(let claim) = $0, claim.number % 5 == 0 { .duplicate } else { $0 } }
        case .answersOutOfOrder: return answers.reversed()
        case .isNeverFull:
            return zip(answers, ids).map { answer, id in
                guard case .full = answer else { return answer }
                return .first(EventClaim(id: id, number: .max, expires: .distantFuture))
            }
        case .acceptsLateCompletions, .losesMarks, .dropsWhatIsCancelled: return answers
        }
    }

    func complete(_ claims: [EventClaim]) async throws -> [Bool] {
        switch fault {
        case .acceptsLateCompletions:
            _ = try await store.complete(claims)
            return claims.map { _ in true }
        case .losesMarks:
            await store.abandon(claims)
            return claims.map { _ in true }
        case .dropsWhatIsCancelled:
            await Task.yield()
            guard Task.isCancelled else { return try await store.complete(claims) }
            await store.abandon(claims)
            throw DeduplicatorError(.failed, "the task was cancelled")
        case .marksEarly, .claimsNothing, .passesOverNewOnes, .answersOutOfOrder, .isNeverFull:
            return try await store.complete(claims)
        }
    }

    func abandon(_ claims: [EventClaim]) async { await store.abandon(claims) }
}
