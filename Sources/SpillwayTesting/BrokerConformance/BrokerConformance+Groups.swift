import Spillway

extension BrokerConformance {
    static let groupChecks: [(name: String, check: Check)] = [
        ("each group gets every record", { try await $0.groupsAreIndependent() }),
        ("a group goes on at its commit", { try await $0.commits() }),
        ("a commit may go back", { try await $0.commitsBack() }),
        ("a commit's hint comes back", { try await $0.hints() }),
        ("partitions are shared out, and come back when a member leaves", { try await $0.sharing() }),
        ("a partition moves only after its owner gave it back", { try await $0.givingBack() }),
        ("a member that lost a partition commits nothing on it", { try await $0.fencing() }),
        ("a refused commit stores nothing", { try await $0.refusedCommits() }),
        ("a pause survives reassignment", { try await $0.pauseSurvives() }),
        ("nothing is lost and order per key holds while members come and go", { try await $0.rebalancingUnderLoad() }),
    ]

    private func groupsAreIndependent() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        try await send((0..<30).map { ("key\($0)", "\($0)") }, to: topic, broker)
        for group in ["one", "two"] {
            try await withMember(broker, SubscriptionRequest(topic: topic, group: group)) { member in
                try await eventually("all come to \(group)") { member.seen.records.count == 30 }
                try await member.subscription.commit(member.commits())
            }
        }
    }

    private func commits() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let request = SubscriptionRequest(topic: topic, group: "g")
        try requireEqual(try await broker.committed(group: "g", topic: topic).count, 0, "commits of a new group")
        try await send((0..<40).map { ("key\($0)", "\($0)") }, to: topic, broker)
        let (first, stored) = try await withMember(broker, request, demand: 15) { member in
            try await eventually("fifteen come") { member.seen.records.count == 15 }
            let commits = member.commits()
            try await member.subscription.commit(commits)
            return (member.seen.values, Dictionary(commits.map { ($0.partition, $0.next) }, uniquingKeysWith: { $1 }))
        }
        let committed = try await broker.committed(group: "g", topic: topic)
        for (partition, position) in stored {
            try requireEqual(committed[partition], position, "what is committed of \(partition)")
        }
        try await withMember(broker, request) { member in
            try await eventually("the rest comes") { member.seen.records.count >= 25 }
            try requireEqual(
                Set(member.seen.values + first).count, 40, "the number of different records, before and after")
            try requireEqual(member.seen.records.count, 25, "the number of records after the commit")
        }
    }

    /// An operator has a consumer go on at an earlier place.
    private func commitsBack() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let receipts = try await send((0..<10).map { ("k", "\($0)") }, to: topic, broker)
        let request = SubscriptionRequest(topic: topic, group: "g")
        try await withMember(broker, request) { member in
            try await eventually("all come") { member.seen.records.count == 10 }
            var commits = member.commits()
            try await member.subscription.commit(commits)
            guard let third = receipts[3].position else { throw ConformanceFailure("a logged record has a position") }
            for index in commits.indices { commits[index].next = third }
            try await member.subscription.commit(commits)
            let committed = try await broker.committed(group: "g", topic: topic)
            try requireEqual(committed, [receipts[3].partition: third], "what is committed")
        }
        try await withMember(broker, request) { member in
            try await eventually("seven come again") { member.seen.records.count >= 7 }
            try requireEqual(member.seen.values, (3..<10).map { "\($0)" }, "what comes after the commit")
        }
    }

    private func hints() async throws {
        guard features.commitHints else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let request = SubscriptionRequest(topic: topic, group: "g")
        let receipt = try await broker.send(.text("k", "v"), to: topic)
        guard let position = receipt.position else { throw ConformanceFailure("a logged record has a position") }
        try await withMember(broker, request) { member in
            try await eventually("a partition is assigned") { !member.seen.assignments.isEmpty }
            let assignment = member.seen.assignments[0]
            try requireEqual(assignment.hint, nil, "the hint before a commit")
            try await member.subscription.commit([
                Commit(
                    partition: assignment.partition, generation: assignment.generation, next: position,
                    hint: [1, 2, 0, 255])
            ])
        }
        try await withMember(broker, request) { member in
            try await eventually("a partition is assigned") { !member.seen.assignments.isEmpty }
            try requireEqual(member.seen.assignments[0].hint, [1, 2, 0, 255], "the hint")
            try requireEqual(member.seen.assignments[0].start, position, "the start")
        }
    }

    private func sharing() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let request = SubscriptionRequest(topic: topic, group: "g")
        try await withMember(broker, request) { first in
            try await eventually("the first has all") { first.seen.owned.count == 4 }
            try await withMember(broker, request) { second in
                try await eventually("both have two") {
                    first.seen.owned.count == 2 && second.seen.owned.count == 2
                }
                let both = Set(first.seen.owned.keys).intersection(second.seen.owned.keys)
                try require(both.isEmpty, "no partition has two owners")
                try await send((0..<100).map { ("key\($0)", "\($0)") }, to: topic, broker)
                try await eventually("together they get everything") {
                    first.seen.records.count + second.seen.records.count == 100
                }
                try require(!first.seen.records.isEmpty && !second.seen.records.isEmpty, "both get some")
            }
            try await eventually("the first has all again") { first.seen.owned.count == 4 }
            let generations = Dictionary(grouping: first.seen.assignments, by: \.partition)
            for (partition, assignments) in generations {
                let numbers = assignments.map(\.generation)
                try requireEqual(numbers, Array(Set(numbers)).sorted(), "ascending generations of \(partition)")
            }
        }
    }

    private func givingBack() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let request = SubscriptionRequest(topic: topic, group: "g")
        try await withMember(broker, request, givesBack: false) { first in
            try await eventually("the first has all") { first.seen.owned.count == 2 }
            try await withMember(broker, request) { second in
                try await eventually("one is asked back") { first.seen.revoking.count == 1 }
                guard let asked = first.seen.revoking.first else { return }
                try await steadily("it does not move before") { second.seen.owned.isEmpty }
                let receipts = try await send((0..<50).map { ("key\($0)", "\($0)") }, to: topic, broker)
                let others = receipts.count { $0.partition != asked }
                try await eventually("the other partition goes on") { first.seen.records.count >= others }
                await first.giveBack([asked])
                try await eventually("it moves") { second.seen.owned.keys.contains(asked) }
                try await eventually("everything has come") {
                    Set(first.seen.values + second.seen.values).count == 50
                }
            }
        }
    }

    private func fencing() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let request = SubscriptionRequest(topic: topic, group: "g")
        let receipts = try await send((0..<5).map { ("k", "\($0)") }, to: topic, broker)
        guard let partition = receipts.first?.partition, let end = receipts.last?.position?.successor else { return }
        let zombie = try await broker.subscribe(request)
        guard case .assigned(let assignments) = try await zombie.next(), let old = assignments.first else {
            throw ConformanceFailure("the first event is an assignment")
        }
        await zombie.close()
        let late = Commit(partition: partition, generation: old.generation, next: end)
        try await requireError(.notOwner, "a commit after close()") { try await zombie.commit([late]) }
        try await withMember(broker, request) { member in
            try await eventually("all come to the next") { member.seen.records.count == 5 }
            try await requireError(.notOwner, "a commit of a zombie") { try await zombie.commit([late]) }
            try await requireError(.notOwner, "a commit under an old generation") {
                try await member.subscription.commit([late])
            }
            try requireEqual(try await broker.committed(group: "g", topic: topic).count, 0, "what was committed")
            try require(
                (member.seen.owned[partition]?.generation ?? 0) > old.generation, "the generation grows")
        }
    }

    private func refusedCommits() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let receipts = try await send((0..<20).map { ("key\($0)", "\($0)") }, to: topic, broker)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all come") { member.seen.records.count == receipts.count }
            var commits = member.commits()
            try requireEqual(commits.count, 2, "the number of commits")
            commits[1].generation += 1
            try await requireError(.notOwner, "a commit under another generation") { [commits] in
                try await member.subscription.commit(commits)
            }
            try requireEqual(try await broker.committed(group: "g", topic: topic).count, 0, "what was committed")
        }
    }

    private func pauseSurvives() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let request = SubscriptionRequest(topic: topic, group: "g")
        try await withMember(broker, request) { first in
            try await eventually("the first has all") { first.seen.owned.count == 2 }
            first.subscription.pause(Array(first.seen.owned.keys))
            try await withMember(broker, request) { second in
                try await eventually("one moves") { second.seen.owned.count == 1 && first.seen.owned.count == 1 }
            }
            try await eventually("it comes back") { first.seen.owned.count == 2 }
            try await send((0..<20).map { ("key\($0)", "\($0)") }, to: topic, broker)
            try await steadily("both are still paused") { first.seen.records.isEmpty }
            first.subscription.resume(Array(first.seen.owned.keys))
            try await eventually("all come") { first.seen.records.count == 20 }
        }
    }

    private func rebalancingUnderLoad() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let request = SubscriptionRequest(topic: topic, group: "g")
        let total = 600
        var delivered: [RecordBatch] = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<total {
                    _ = try await broker.send(.text("key\(number % 13)", "\(number)"), to: topic)
                }
            }
            delivered = try await withMember(broker, request) { steady in
                var fromOthers: [RecordBatch] = []
                for _ in 0..<5 {
                    fromOthers += try await withMember(broker, request) { guest in
                        try await eventually("the guest gets partitions") { guest.seen.owned.count == 2 }
                        await guest.giveBack(Array(guest.seen.owned.keys))
                        return guest.seen.batches
                    }
                }
                try await eventually("everything has come") {
                    Set((steady.seen.batches + fromOthers).flatMap(\.records).map { $0.value.map(Array.init) ?? [] })
                        .count == total
                }
                return steady.seen.batches + fromOthers
            }
            try await group.waitForAll()
        }
        // Within one assignment positions ascend; over assignments they may only go back, never skip.
        for batches in Dictionary(grouping: delivered, by: \.partition).values {
            for assignment in Dictionary(grouping: batches, by: \.generation).values {
                let positions = assignment.flatMap(\.records).compactMap(\.position)
                try requireEqual(positions, Array(Set(positions)).sorted(), "the positions of one assignment")
            }
        }
    }
}
