import Spillway
import SpillwayTesting
import Testing

/// Checks that can't fail are worth nothing: brokers that break one promise each are found by the check that is there for
/// it, and one that keeps them passes.
@Suite struct BrokerConformanceFindsFaultsTests {
    static let expected: [UnfaithfulBroker.Fault: String] = [
        .ignoresPauses: "what was fetched before a pause does not come after it",
        .swallowsDemand: "a seek gives the demand of what it drops back",
        .givesPositionsAgain: "a position is given once, over restarts too",
        .ignoresDeliveryTimes: "a delivery time is kept or refused",
        .forgetsTokens: "who keeps no tokens refuses them",
        .splitsBatches: "who can't write several messages as one refuses them",
        .commitsForwardOnly: "a commit may go back",
        .setsBeforeTheOldest: "a group is set to the oldest record that is kept, not before it",
    ]

    static func suite(_ fault: UnfaithfulBroker.Fault?) -> BrokerConformance {
        var features = BrokerConformance.Features()
        features.atomicBatches = false
        features.deduplication = false
        return BrokerConformance(
            features: features, timeout: .milliseconds(1_500),
            reopen: { broker in try await (broker as? UnfaithfulBroker)?.reopened() ?? broker },
            trim: { broker, topic in
                for _ in 0..<2_000 { _ = try await broker.send(Message(value: [1]), to: topic) }
            }, makeBroker: { UnfaithfulBroker(fault) })
    }

    @Test(arguments: UnfaithfulBroker.Fault.allCases)
    func aBrokerThatBreaksItsPromiseIsFound(_ fault: UnfaithfulBroker.Fault) async throws {
        await #expect(throws: ConformanceFailure.self) { try await Self.suite(fault).run(Self.expected[fault] ?? "") }
    }

    @Test(arguments: expected.values)
    func aBrokerThatKeepsItPasses(_ check: String) async throws { try await Self.suite(nil).run(check) }

    @Test func theChecksAreThere() {
        #expect(Set(BrokerConformance.checkNames).isSuperset(of: Self.expected.values))
    }
}
