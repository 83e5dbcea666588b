import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore
import Testing

/// What the projections do with records that are no events.
@Suite struct UndecodableRecordTests {
    private let topic = ReactionsConfiguration().topic
    private let nonsense = Message(
        key: Array("t".utf8), value: [0xff, 0, 0x17], headers: [Header(name: "from", value: Array("elsewhere".utf8))])

    private func letters(_ failures: any FailureStore) async throws -> [DeadLetter] {
        try await failures.deadLetters(group: nil, after: nil, limit: 100)
    }

    /// Waits for the first letter, ten seconds at most.
    private func waitForLetter(_ failures: any FailureStore) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try await letters(failures).isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// A vote on `t` behind everything that was sent with its key, waited for.
    private func voteAndWait(_ service: ReactionService, _ user: String) async throws -> TargetSummary {
        let position = try await service.like("t", user).position
        return try await service.one("t", nil, after: [position])
    }

    @Test func aRecordThatIsNoEventIsADeadLetterWithAllThatItCarried() async throws {
        let registry = MetricsRegistry()
        let harness = try ServiceHarness(registry: registry)
        let (broker, failures, message) = (harness.broker, harness.failures, nonsense)
        try await harness.run { service in
            let receipt = try await broker.send(message, to: topic)
            _ = try await broker.send(Message(key: Array("t".utf8), value: nil), to: topic)
            #expect(try await voteAndWait(service, "u").counts == Counts(likes: 1, dislikes: 0))
            let found = try await letters(failures)
            let letter = try #require(found.first)
            #expect(found.count == 2 && found[1].record.value == nil)
            #expect(letter.name.group == ReactionService.group && letter.name.partition == receipt.partition)
            #expect(letter.name.position == receipt.position && letter.record.position == receipt.position)
            #expect(letter.record.value.map(Array.init) == message.value)
            #expect(letter.record.key.map(Array.init) == message.key && letter.record.headers == message.headers)
            #expect(letter.attempts == 1 && letter.reason.contains("decode"))
        }
        #expect(
            String(decoding: registry.exposition(), as: UTF8.self)
                .contains("\nspillway_projection_undecodable_total 2\n"))
    }

    /// The applied offset must not pass a record whose letter is not durable.
    @Test func whileTheLettersHaveNoRoomTheProjectionWaits() async throws {
        var limits = FailureStoreLimits()
        limits.deadLetters = 1
        let harness = try ServiceHarness(failures: InMemoryFailureStore(limits: limits))
        let (broker, failures, message) = (harness.broker, harness.failures, nonsense)
        let store = harness.temporary.store
        try await harness.run { service in
            _ = try await broker.send(message, to: topic)
            #expect(try await voteAndWait(service, "u").counts.likes == 1)
            let second = try await broker.send(message, to: topic)
            let vote = try await service.like("t", "v")
            // Refused and tried again; whoever waits for the position hears that it is not there.
            await #expect(throws: ReactionsError.self) { _ = try await service.one("t", nil, after: [vote.position]) }
            let position = try #require(second.position)
            #expect(try store.appliedPositions().byTarget[second.partition.partition] <= position)
            let first = try await letters(failures).map(\.name)
            #expect(first.count == 1 && first[0].position < position)
            #expect(try await failures.discardDeadLetters(first) == 1)
            try await waitForLetter(failures)
            #expect(try await voteAndWait(service, "w").counts.likes == 3)
            #expect(try await letters(failures).map(\.name.position) == [position])
        }
    }

    /// A batch is applied in transactions. What comes again of it when one fails is behind the applied offset.
    @Test func aBatchThatFailsHalfWayIsNotAppliedAgain() async throws {
        var limits = FailureStoreLimits()
        limits.deadLetters = 1
        let registry = MetricsRegistry()
        let harness = try ServiceHarness(failures: InMemoryFailureStore(limits: limits), registry: registry)
        let (broker, failures, store) = (harness.broker, harness.failures, harness.temporary.store)
        var messages = (0..<200).map { number in
            let event = ReactionEvent(
                targetID: "t", targetType: "video", userID: "u\(number)", reaction: .like, version: UInt64(number + 1),
                keepsPrevious: true)
            return Message(key: Array("t".utf8), value: event.encoded())
        }
        messages[0] = nonsense
        messages[150] = nonsense
        _ = try await broker.ensureTopic(topic, partitions: 3)
        let receipts = try await broker.send(messages, to: topic)
        try await harness.run { service in
            let deadline = ContinuousClock.now + .seconds(10)
            while !Self.hasRetried(registry), ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(Self.hasRetried(registry))
            let first = try await letters(failures).map(\.name)
            #expect(try await failures.discardDeadLetters(first) == 1)
            try await waitForLetter(failures)
            #expect(try await voteAndWait(service, "w").counts.likes == 199)
            for receipt in receipts where receipt.position != first[0].position {
                let position = try #require(receipt.position)
                let before = try store.previousState(partition: receipt.partition.partition, position: position)
                #expect((before ?? Reaction.none) == Reaction.none, "\(position) was applied twice")
            }
        }
    }

    private static func hasRetried(_ registry: MetricsRegistry) -> Bool {
        String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n").contains { line in
            line.hasPrefix("spillway_consumer_retries_total") && !line.hasSuffix(" 0")
        }
    }

    @Test func recordsThatComeAgainAddNoSecondLetter() async throws {
        let first = try ServiceHarness()
        let (broker, failures, message) = (first.broker, first.failures, nonsense)
        try await first.run { service in
            for _ in 0..<3 { _ = try await broker.send(message, to: topic) }
            _ = try await voteAndWait(service, "u")
        }
        let names = try await letters(failures).map(\.name)
        // The store has lost everything, the log and the letters nothing: all is handled again.
        let second = try ServiceHarness(continuing: first, keepsStore: false)
        try await second.run { service async throws in
            #expect(try await voteAndWait(service, "v").counts.likes == 2)
            #expect(try await letters(failures).map(\.name) == names)
        }
        #expect(names.count == 3)
    }

    @Test func aLetterThatWasDiscardedDoesNotComeBackWithARestart() async throws {
        let first = try ServiceHarness()
        let (broker, failures, message) = (first.broker, first.failures, nonsense)
        try await first.run { service in
            _ = try await broker.send(message, to: topic)
            _ = try await voteAndWait(service, "u")
        }
        let names = try await letters(failures).map(\.name)
        #expect(try await failures.discardDeadLetters(names) == 1)
        let second = try ServiceHarness(continuing: first)
        try await second.run { service async throws in
            #expect(try await voteAndWait(service, "v").counts.likes == 2)
            #expect(try await letters(failures).isEmpty)
        }
    }

    @Test func aRecordWithAVeryLongKeyHoldsNothingUp() async throws {
        let harness = try ServiceHarness()
        let (broker, failures) = (harness.broker, harness.failures)
        try await harness.run { service in
            let long = Message(key: [UInt8](repeating: 1, count: 70_000), value: [0xff])
            let receipt = try await broker.send(long, to: topic)
            try await waitForLetter(failures)
            let letter = try #require(try await letters(failures).first)
            #expect(letter.name.position == receipt.position)
            #expect(letter.record.key == long.key?[...] && letter.record.value == [0xff])
        }
    }
}
