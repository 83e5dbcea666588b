import Spillway

/// Where a record is.
private struct RecordPlace: Hashable {
    let partition: TopicPartition
    let position: Position

    init(_ partition: TopicPartition, _ position: Position) {
        self.partition = partition
        self.position = position
    }
}

extension BrokerConformance {
    static let deliveryChecks: [(name: String, check: Check)] = [
        ("records come only against demand", { try await $0.demandInRecords() }),
        ("bytes may be passed by one record", { try await $0.demandInBytes() }),
        ("a demand without a limit is kept", { try await $0.demandWithoutLimit() }),
        ("membership events need no demand", { try await $0.eventsWithoutDemand() }),
        ("a paused partition is silent and others go on", { try await $0.pausing() }),
        ("what was fetched before a pause does not come after it", { try await $0.pausingWithinAFetch() }),
        ("a seek goes back and forward", { try await $0.seeking() }),
        ("what was fetched before a seek does not come after it", { try await $0.seekingWithinAFetch() }),
        ("a seek gives the demand of what it drops back", { try await $0.demandAfterASeek() }),
        ("a group begins at the earliest or the latest record", { try await $0.startPositions() }),
        ("next() ends after close(), and throws when cancelled", { try await $0.closing() }),
        ("nothing is lost when subscribers close and come again", { try await $0.continuing() }),
        ("what is left to read can be counted", { try await $0.counting() }),
        ("records, commits, tokens and the last generation outlive a restart", { try await $0.reopening() }),
    ]

    private func demandInRecords() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        try await send((0..<20).map { ("key\($0)", "\($0)") }, to: topic, broker)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g"), demand: nil) { member in
            try await steadily("nothing comes without demand") { member.seen.records.isEmpty }
            member.subscription.request(records: 3, bytes: 1 << 20)
            try await eventually("three come") { member.seen.records.count == 3 }
            try await steadily("no more than three come") { member.seen.records.count == 3 }
            member.subscription.request(records: 2, bytes: 0)
            member.subscription.request(records: 2, bytes: 0)
            try await eventually("seven have come") { member.seen.records.count == 7 }
            try await steadily("no more than seven come") { member.seen.records.count == 7 }
            member.subscription.request(records: 1_000, bytes: 1 << 20)
            try await eventually("all have come") { member.seen.records.count == 20 }
            _ = try await broker.send(.text("late", "late"), to: topic)
            try await eventually("what is left of the demand holds for later records") {
                member.seen.records.count == 21
            }
        }
    }

    private func demandInBytes() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let value = String(repeating: "x", count: 1_000)
        try await send((0..<10).map { _ in ("k", value) }, to: topic, broker)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g"), demand: nil) { member in
            member.subscription.request(records: 100, bytes: 1)
            try await eventually("one record comes") { member.seen.records.count == 1 }
            try await steadily("only one comes") { member.seen.records.count == 1 }
            if features.byteDemandCarriesOver {
                member.subscription.request(records: 0, bytes: 500)
                try await steadily("what was delivered beyond is taken off") { member.seen.records.count == 1 }
            }
            member.subscription.request(records: 0, bytes: 3_000)
            try await eventually("some more come") { member.seen.records.count >= 3 }
            try await steadily("but not all") { member.seen.records.count <= 5 }
        }
    }

    private func demandWithoutLimit() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g"), demand: nil) { member in
            for _ in 0..<3 { member.subscription.request(records: .max, bytes: .max) }
            try await send((0..<10).map { ("k", "\($0)") }, to: topic, broker)
            try await eventually("all come") { member.seen.records.count == 10 }
        }
    }

    private func eventsWithoutDemand() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let request = SubscriptionRequest(topic: topic, group: "g")
        try await withMember(broker, request, demand: nil) { first in
            try await eventually("partitions are assigned") { first.seen.owned.count == 2 }
            try await withMember(broker, request, demand: nil) { second in
                try await eventually("one goes to the other") {
                    first.seen.owned.count == 1 && second.seen.owned.count == 1
                }
            }
            try await eventually("it comes back") { first.seen.owned.count == 2 }
        }
    }

    private func pausing() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let sent = (0..<400).map { ("key\($0)", "\($0)") }
        let request = SubscriptionRequest(topic: topic, group: "g")
        try await withMember(broker, request, demand: nil) { member in
            try await eventually("partitions are assigned") { member.seen.owned.count == 4 }
            guard let paused = member.seen.owned.keys.min(by: { $0.partition < $1.partition }) else { return }
            member.subscription.pause([paused])
            let receipts = try await send(sent, to: topic, broker)
            member.subscription.request(records: 1_000, bytes: 1 << 20)
            let others = receipts.count { $0.partition != paused }
            try await eventually("the others come") { member.seen.records.count == others }
            try await steadily("the paused one doesn't") { member.seen.records.count == others }
            try require(!member.seen.batches.contains { $0.partition == paused }, "nothing comes of a paused partition")
            member.subscription.resume([paused])
            try await eventually("then it does") { member.seen.records.count == sent.count }
        }
    }

    private func seeking() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let receipts = try await send((0..<50).map { ("k", "\($0)") }, to: topic, broker)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all come") { member.seen.records.count == 50 }
            guard let partition = receipts.first?.partition, let ten = receipts[10].position,
                let forty = receipts[40].position
            else { throw ConformanceFailure("receipts have positions") }
            member.subscription.seek(partition, to: ten)
            try await eventually("forty come again") { member.seen.records.count == 90 }
            try requireEqual(Array(member.seen.values[50...]), (10..<50).map { "\($0)" }, "what comes again")
            member.subscription.seek(partition, to: .start)
            try await eventually("all come again") { member.seen.records.count == 140 }
            member.subscription.pause([partition])
            member.subscription.seek(partition, to: .start)
            member.subscription.seek(partition, to: forty)
            member.subscription.resume([partition])
            try await eventually("ten come again") { member.seen.records.count == 150 }
            try requireEqual(Array(member.seen.values[140...]), (40..<50).map { "\($0)" }, "what comes after a skip")
        }
    }

    /// Takes events in one task, with everything that is sent on demand at once, until the body has what it wants or the
    /// timeout ends the subscription; the body is given each batch, and says whether it is done.
    private func takeBatches(
        _ broker: any Broker, _ topic: String, demand: Int = 1_000_000,
        until isDone: (any Subscription, RecordBatch) throws -> Bool
    ) async throws -> Bool {
        let subscription = try await broker.subscribe(SubscriptionRequest(topic: topic, group: "g"))
        subscription.request(records: demand, bytes: 1 << 30)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            // Ends the wait for what does not come, and at last the subscription.
            group.addTask {
                try? await Task.sleep(for: timeout)
                await subscription.close()
            }
            defer { group.cancelAll() }
            while let event = try await subscription.next() {
                if case .records(let batch) = event, try isDone(subscription, batch) { return true }
            }
            return false
        }
    }

    /// A fetch may find records of several partitions, and next() returns one after the other: a pause comes between.
    private func pausingWithinAFetch() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let receipts = try await send((0..<200).map { ("key\($0)", "\($0)") }, to: topic, broker)
        let partitions = Set(receipts.map(\.partition))
        guard let last = partitions.max(by: { $0.partition < $1.partition }) else { return }
        let sentToLast = receipts.count { $0.partition == last }
        var paused: Set<TopicPartition>?
        var seen: Set<RecordPlace> = []
        let isDone = try await takeBatches(broker, topic) { subscription, batch in
            try require(paused?.contains(batch.partition) != true, "nothing comes of a paused partition")
            for position in batch.records.compactMap(\.position) {
                try require(
                    seen.insert(RecordPlace(batch.partition, position)).inserted, "no record comes twice")
            }
            // All but one are paused, whichever has come; once that one has come whole, they go on.
            if paused == nil {
                paused = partitions.subtracting([last])
                subscription.pause(Array(partitions.subtracting([last])))
            }
            if let silent = paused, !silent.isEmpty, seen.count(where: { $0.partition == last }) == sentToLast {
                paused = []
                subscription.resume(Array(silent))
            }
            return seen.count == receipts.count
        }
        try require(isDone, "everything comes once the pause has ended")
    }

    /// A fetch may find records of several partitions, and next() returns one after the other: a seek comes between.
    private func seekingWithinAFetch() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let receipts = try await send((0..<200).map { ("key\($0)", "\($0)") }, to: topic, broker)
        var ends: [TopicPartition: Position] = [:]
        for receipt in receipts { ends[receipt.partition] = receipt.position }
        var left = ends
        var isSought = false
        let isDone = try await takeBatches(broker, topic) { subscription, batch in
            if isSought, let end = left.removeValue(forKey: batch.partition) {
                try requireEqual(batch.records.first?.position, end, "the first record after the seek")
            } else if !isSought {
                isSought = true
                for (partition, end) in ends { subscription.seek(partition, to: end) }
            }
            return left.isEmpty
        }
        try require(isDone, "every partition goes on where it was sought")
    }

    private func demandAfterASeek() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let receipts = try await send((0..<200).map { ("key\($0)", "\($0)") }, to: topic, broker)
        let partitions = Set(receipts.map(\.partition))
        var count = 0
        var isSought = false
        // All of the demand may be fetched at once. What the seek drops of it was never delivered.
        let isDone = try await takeBatches(broker, topic, demand: 200) { subscription, batch in
            count += batch.records.count
            if !isSought { for partition in partitions { subscription.seek(partition, to: .start) } }
            isSought = true
            return count >= 200
        }
        try require(isDone, "as many come as were demanded, but \(count) did")
        try requireEqual(count, 200, "the records that came against a demand of 200")
    }

    private func startPositions() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        try await send((0..<10).map { ("key\($0)", "old") }, to: topic, broker)
        let latest = SubscriptionRequest(topic: topic, group: "latest", start: .latest)
        try await withMember(broker, latest) { member in
            try await eventually("partitions are assigned") { member.seen.owned.count == 2 }
            _ = try await broker.send(.text("k", "new"), to: topic)
            try await eventually("the new one comes") { member.seen.values == ["new"] }
        }
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "earliest")) { member in
            try await eventually("all come") { member.seen.records.count == 11 }
        }
    }

    private func closing() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let request = SubscriptionRequest(topic: topic, group: "g")
        let subscription = try await broker.subscribe(request)
        await subscription.close()
        await subscription.close()
        try require(try await subscription.next() == nil, "next() is nil after close()")
        let cancelled = try await broker.subscribe(request)
        let error = await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask {
                do {
                    while try await cancelled.next() != nil {}
                    return nil
                } catch { return error }
            }
            try? await Task.sleep(for: .milliseconds(20))
            group.cancelAll()
            return await group.next() ?? nil
        }
        try require(error is CancellationError, "next() throws CancellationError when its task is cancelled")
        await cancelled.close()
        _ = try await broker.send(.text("k", "v"), to: topic)
        try await withMember(broker, request) { member in
            try await eventually("a later member gets the record") { member.seen.values == ["v"] }
        }
    }

    private func continuing() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 3)
        try await send((0..<200).map { ("key\($0 % 20)", "\($0)") }, to: topic, broker)
        var seen: [String] = []
        for _ in 0..<200 where Set(seen).count < 200 {
            let request = SubscriptionRequest(topic: topic, group: "g")
            seen += try await withMember(broker, request, demand: 30) { member in
                let left = min(30, 200 - Set(seen).count)
                try await eventually("some come") { member.seen.records.count >= left }
                try await member.subscription.commit(member.commits())
                return member.seen.values
            }
        }
        try requireEqual(seen.count, 200, "the number of records over all subscriptions, each committed")
        try requireEqual(Set(seen).count, 200, "the number of different records")
    }

    private func counting() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let receipts = try await send((0..<10).map { ("k", "\($0)") }, to: topic, broker)
        guard let partition = receipts.first?.partition else { return }
        let counts = try await broker.recordCounts(from: [partition: receipts[4].position ?? .start], of: topic)
        if features.exactCounts {
            try requireEqual(counts[partition] ?? 0, 6, "the records from the fifth on")
        }
        try require((counts[partition] ?? 0) > 0, "there are records from the fifth on")
        let ends = try await broker.endPositions(of: topic)
        let none = try await broker.recordCounts(from: ends, of: topic)
        try requireEqual(none[partition] ?? 0, 0, "the records from the end on")
    }

    private func reopening() async throws {
        guard let reopen else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let token = Deduplication(scope: [1], token: [2], fingerprint: 3)
        let first = try await broker.send(
            .text("k", "0", deduplication: features.deduplication ? token : nil), to: topic)
        try await send((1..<10).map { ("k", "\($0)") }, to: topic, broker)
        let request = SubscriptionRequest(topic: topic, group: "g")
        let last = try await withMember(broker, request, demand: 4) { member in
            try await eventually("four come") { member.seen.records.count == 4 }
            try await member.subscription.commit(member.commits())
            return member.seen.assignments.map(\.generation).max() ?? 0
        }
        let again = try await reopen(broker)
        try requireEqual(try await again.partitionCount(of: topic), 1, "the partitions after the restart")
        if features.deduplication {
            let repeated = try await again.send(.text("k", "0", deduplication: token), to: topic)
            try require(repeated.isDuplicate, "the token outlives the restart")
            try requireEqual(repeated.position, first.position, "the position of the first send")
        }
        try await withMember(again, request) { member in
            try await eventually("the rest comes") { member.seen.records.count >= 6 }
            try requireEqual(member.seen.values, (4..<10).map { "\($0)" }, "what comes after the commit")
            let generations = member.seen.assignments.map(\.generation)
            try require(
                generations.allSatisfy { $0 > last }, "generations after the restart are greater than before it")
        }
    }
}
