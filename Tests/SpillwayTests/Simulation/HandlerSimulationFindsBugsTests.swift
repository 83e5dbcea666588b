import Spillway
import SpillwayCore
import Testing

@testable import SpillwayTesting

/// What the simulation checks under a user's handler, beside that handler's own check: each of these bugs, planted between
/// the world and the engine, is reported as what it is, though the handler is right.
@Suite struct HandlerSimulationFindsBugsTests {
    struct Bug: Sendable, CustomStringConvertible {
        var mutation: EngineMutation
        var reason: String
        var description: String { "\(mutation): \(reason)" }

        init(_ mutation: EngineMutation, _ reason: String) {
            self.mutation = mutation
            self.reason = reason
        }
    }

    static let bugs = [
        Bug(.forgetsKeys, "order: two at once"),
        Bug(.commitsWhatWasSeen, "commit: "),
        Bug(.commitsOneTooFar, "commit: "),
        Bug(.acknowledgesFailures, "commit: "),
        Bug(.storesNothing, "commit: "),
        Bug(.hintClaimsTooMuch, "hint: "),
        Bug(.demandsTooMuch, "bound: "),
        Bug(.givesBackAtOnce, "revocation: "),
        Bug(.leaksPermits, "a key starved beside keys that fail, or a record was lost"),
    ]

    @Test(arguments: HandlerSimulationFindsBugsTests.bugs)
    func findsThePlantedBug(_ bug: Bug) throws {
        var consumer = ConsumerConfiguration(topic: "t", group: "g")
        consumer.retry = RetryPolicy(maxAttempts: 2, whenExhausted: .hold)
        let simulation = HandlerSimulation(messages: HandlerSimulationTests.messages, consumer: consumer) {
            surroundings in
            surroundings.store(Tally())
        } processor: { store in
            .single(CountsOnceEach(store: store))
        } check: { _, _ in
        }
        for seed in UInt64(0)..<200 {
            do { try simulation.run(seed: seed, planting: bug.mutation) } catch let failure as HandlerSimulation.Failure
            {
                if failure.reason.hasPrefix(bug.reason) { return }
            }
        }
        Issue.record("200 seeds did not find \(bug)")
    }
}

private struct CountsOnceEach: SingleHandler {
    let store: SimulatedStore<Tally>

    func decode(_ record: Record) throws -> CountedEvent { CountedEvent(record) }

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        try await store.update { $0.countOnce(event) }
    }
}
