import Spillway

extension BrokerConformance {
    /// For brokers that are a `GroupAdministration`.
    static let administrationChecks: [(name: String, check: Check)] = [
        ("groups are listed with members, commits and lag", { try await $0.listing() }),
        ("a group with members is neither deleted nor set", { try await $0.groupsInUse() }),
        ("a deleted group begins anew", { try await $0.deleting() }),
        ("a member of a deleted group commits nothing", { try await $0.commitsOfDeletedGroups() }),
        ("names that are equal as text only are two groups", { try await $0.namesByBytes() }),
        ("a group begins where it was set, and forgets what it had finished above", { try await $0.setting() }),
        ("a group is set within what the log holds", { try await $0.settingWithinTheLog() }),
        ("a group is set to the oldest record that is kept, not before it", { try await $0.settingBeforeTheOldest() }),
        ("a record is found by its time, the first that qualifies", { try await $0.findingByTime() }),
    ]

    private func administration(
        partitions: Int
    ) async throws -> (broker: any GroupAdministration, topic: String)? {
        let (broker, topic) = try await brokerWithTopic(partitions: partitions)
        return (broker as? any GroupAdministration).map { ($0, topic) }
    }

    /// The broker after a restart, if it outlives one.
    private func reopened(_ broker: any GroupAdministration) async throws -> any GroupAdministration {
        guard let again = try await reopen?(broker) as? any GroupAdministration else { return broker }
        return again
    }

    private func summary(
        of group: String, _ topic: String, _ broker: any GroupAdministration
    ) async throws -> GroupSummary? {
        try await broker.groups().first { $0.group == group && $0.topic == topic }
    }

    private func listing() async throws {
        guard let (broker, topic) = try await administration(partitions: 1) else { return }
        try require(try await broker.groups().allSatisfy { $0.topic != topic }, "a new topic has no groups")
        try await send((0..<10).map { ("k", "\($0)") }, to: topic, broker)
        let request = SubscriptionRequest(topic: topic, group: "b")
        let commits = try await withMember(broker, request, demand: 4) { member in
            try await eventually("four come") { member.seen.records.count == 4 }
            let commits = member.commits()
            try await member.subscription.commit(commits)
            let during = try await summary(of: "b", topic, broker)
            try requireEqual(during?.members, 1, "the members while there is one")
            return commits
        }
        let idle = SubscriptionRequest(topic: topic, group: "a", holdsRetention: false)
        try await withMember(broker, idle, demand: nil) { _ in }
        let found = try await broker.groups().filter { $0.topic == topic }
        try requireEqual(found.map(\.group), ["a", "b"], "the groups in their order")
        try requireEqual(found.map(\.members), [0, 0], "the members at the end")
        try requireEqual(found.map(\.holdsRetention), [false, true], "who holds retention")
        try requireEqual(found[0].committed, [:], "the commits of a group that has none")
        try requireEqual(
            found[1].committed, Dictionary(uniqueKeysWithValues: commits.map { ($0.partition, $0.next) }),
            "what is committed")
        if features.exactCounts {
            try requireEqual(found.map(\.lagRecords), [10, 6], "the records behind the commits")
        }
        try require(found.allSatisfy { $0.lagRecords > 0 }, "both groups have records behind their commits")
    }

    private func groupsInUse() async throws {
        guard let (broker, topic) = try await administration(partitions: 1) else { return }
        let partition = TopicPartition(source: broker.source, topic: topic, partition: 0)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { _ in
            try await requireError(.groupInUse, "deleteGroup") {
                try await broker.deleteGroup("g", topic: topic)
            }
            try await requireError(.groupInUse, "setCommitted") {
                try await broker.setCommitted([partition: .start], group: "g", topic: topic)
            }
        }
        try require(try await broker.deleteGroup("g", topic: topic), "without its member the group goes")
    }

    private func deleting() async throws {
        guard case (var broker, let topic)? = try await administration(partitions: 2) else { return }
        let unknown = Self.freshName("unknown")
        try await requireError(.unknownTopic, "deleteGroup") { try await broker.deleteGroup("g", topic: unknown) }
        try require(try await !broker.deleteGroup("g", topic: topic), "there is no group yet")
        try await send((0..<20).map { ("key\($0)", "\($0)") }, to: topic, broker)
        for group in ["g", "stays"] {
            try await withMember(broker, SubscriptionRequest(topic: topic, group: group)) { member in
                try await eventually("all come") { member.seen.records.count == 20 }
                try await member.subscription.commit(member.commits())
            }
        }
        let kept = try await broker.committed(group: "stays", topic: topic)
        try require(try await broker.deleteGroup("g", topic: topic), "there was a group")
        try require(try await !broker.deleteGroup("g", topic: topic), "there is none any more")
        broker = try await reopened(broker)
        try requireEqual(try await summary(of: "g", topic, broker), nil, "the group")
        try requireEqual(try await broker.committed(group: "g", topic: topic), [:], "its commits")
        try requireEqual(
            try await summary(of: "stays", topic, broker)?.committed, kept, "what another group has committed")
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all come again") { member.seen.records.count == 20 }
        }
    }

    private func commitsOfDeletedGroups() async throws {
        guard let (broker, topic) = try await administration(partitions: 1) else { return }
        try await send([("k", "v")], to: topic, broker)
        let request = SubscriptionRequest(topic: topic, group: "g")
        let (gone, commits, generation) = try await withMember(broker, request) { member in
            try await eventually("it comes") { member.seen.records.count == 1 }
            return (member.subscription, member.commits(), member.seen.assignments.last?.generation ?? 0)
        }
        try await broker.deleteGroup("g", topic: topic)
        try await requireError(.notOwner, "a commit by who has left") { try await gone.commit(commits) }
        try await withMember(broker, request) { member in
            try await eventually("it comes again") { member.seen.records.count == 1 }
            try await requireError(.notOwner, "a commit in the new group") { try await gone.commit(commits) }
            // Who has seen the old group's generations would take the new owner for one of before.
            try require(
                member.seen.assignments.allSatisfy { $0.generation > generation }, "generations go on where they were")
        }
        try requireEqual(try await broker.committed(group: "g", topic: topic), [:], "what is committed")
    }

    private func namesByBytes() async throws {
        guard case (var broker, let topic)? = try await administration(partitions: 1) else { return }
        let receipts = try await send((0..<4).map { ("k", "\($0)") }, to: topic, broker)
        let partition = receipts[0].partition
        let positions = receipts.compactMap(\.position)
        let names = ["caf\u{e9}", "cafe\u{301}"]
        for (name, position) in zip(names, positions[1...]) {
            try await broker.setCommitted([partition: position], group: name, topic: topic)
        }
        broker = try await reopened(broker)
        for (name, position) in zip(names, positions[1...]) {
            let committed = try await broker.committed(group: name, topic: topic)
            try requireEqual(committed, [partition: position], "what \(Array(name.utf8)) has committed")
        }
        try require(try await broker.deleteGroup(names[0], topic: topic), "there was a group")
        broker = try await reopened(broker)
        let left = try await broker.groups().filter { $0.topic == topic }.map { Array($0.group.utf8) }
        try requireEqual(left, [Array(names[1].utf8)], "the bytes of the name that is left")
    }

    private func setting() async throws {
        guard case (var broker, let topic)? = try await administration(partitions: 1) else { return }
        let receipts = try await send((0..<10).map { ("k", "\($0)") }, to: topic, broker)
        let partition = receipts[0].partition
        let positions = receipts.compactMap(\.position)
        let request = SubscriptionRequest(topic: topic, group: "g")
        try await withMember(broker, request) { member in
            try await eventually("all come") { member.seen.records.count == 10 }
            var commits = member.commits()
            for index in commits.indices { commits[index].hint = [1, 2, 3] }
            try await member.subscription.commit(commits)
        }
        for (index, expected) in [(3, 7), (8, 2)] {
            try await broker.setCommitted([partition: positions[index]], group: "g", topic: topic)
            broker = try await reopened(broker)
            let found = try await summary(of: "g", topic, broker)
            try requireEqual(found?.committed, [partition: positions[index]], "what is committed")
            try requireEqual(found?.holdsRetention, true, "whether it holds retention, as before")
            try await withMember(broker, request) { member in
                try await eventually("the rest comes") { member.seen.records.count == expected }
                try requireEqual(member.seen.records.first?.position, positions[index], "the first record")
                try requireEqual(member.seen.assignments.first?.start, positions[index], "the start")
                try requireEqual(member.seen.assignments.first?.hint, nil, "the hint")
            }
        }
        try await broker.setCommitted([partition: positions[1]], group: "new", topic: topic)
        let made = try await summary(of: "new", topic, broker)
        try requireEqual(made?.holdsRetention, false, "whether a group that was only set holds retention")
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "new", start: .latest)) { member in
            try await eventually("nine come") { member.seen.records.count == 9 }
            let joined = try await summary(of: "new", topic, broker)
            try requireEqual(joined?.holdsRetention, true, "whether it does once a member wants it")
        }
    }

    private func settingWithinTheLog() async throws {
        guard let (broker, topic) = try await administration(partitions: 2) else { return }
        try await send((0..<20).map { ("key\($0)", "\($0)") }, to: topic, broker)
        let ends = try await broker.endPositions(of: topic)
        guard let first = ends.keys.first(where: { $0.partition == 0 }),
            let second = ends.keys.first(where: { $0.partition == 1 })
        else { throw ConformanceFailure("endPositions names both partitions") }
        try await broker.setCommitted(
            [first: Position(high: .max, low: .max), second: .start], group: "g", topic: topic)
        let committed = try await broker.committed(group: "g", topic: topic)
        try requireEqual(committed[first], ends[first], "a position beyond the end")
        try await send((20..<40).map { ("key\($0)", "\($0)") }, to: topic, broker)
        try await broker.setCommitted([second: ends[second] ?? .start], group: "g", topic: topic)
        let later = try await broker.committed(group: "g", topic: topic)
        try requireEqual(later[first], ends[first], "a partition that is not named")
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("what was sent later comes") { member.seen.records.count == 20 }
            try requireEqual(Set(member.seen.values), Set((20..<40).map { "\($0)" }), "what comes")
        }
        var foreign = first
        foreign.partition = 2
        for partition in [foreign, TopicPartition(source: "another", topic: topic, partition: 0)] {
            try await requireError(.unknownPartition, "setCommitted of \(partition)") {
                try await broker.setCommitted([second: .start, partition: .start], group: "g", topic: topic)
            }
        }
        try requireEqual(
            try await broker.committed(group: "g", topic: topic),
            later.merging([second: ends[second] ?? .start]) { $1 },
            "what is committed after a refusal")
        let unknown = Self.freshName("unknown")
        try await requireError(.unknownTopic, "setCommitted") {
            try await broker.setCommitted([:], group: "g", topic: unknown)
        }
    }

    private func settingBeforeTheOldest() async throws {
        guard let trim, let (broker, topic) = try await administration(partitions: 1) else { return }
        guard let first = try await send([("k", "first")], to: topic, broker).first, let dropped = first.position else {
            throw ConformanceFailure("a logged record has a position")
        }
        try await trim(broker, topic)
        // Perhaps the only one that is there.
        try await send([("k", "last")], to: topic, broker)
        let oldest = try await broker.positions(of: topic, atOrAfterMs: .min)[first.partition] ?? .start
        try require(dropped < oldest, "the first record is no longer there")
        try await broker.setCommitted([first.partition: .start], group: "g", topic: topic)
        let committed = try await broker.committed(group: "g", topic: topic)[first.partition] ?? .start
        try require(dropped < committed && committed <= oldest, "it begins at \(oldest), is set to \(committed)")
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g"), demand: 1) { member in
            try await eventually("a record comes") { !member.seen.records.isEmpty }
            try requireEqual(member.seen.records.first?.position, oldest, "the first record that comes")
        }
    }

    private func findingByTime() async throws {
        guard case (var broker, let topic)? = try await administration(partitions: 2) else { return }
        var sent: [TopicPartition: [(timeMs: Int64, position: Position)]] = [:]
        let times: [Int64] = [100, 300, 200, 500, 400, 600, 50, 700, 300, 900]
        for key in ["a", "b", "c", "d"] {
            for time in times {
                let message = Message(key: Array(key.utf8), value: [1], timestampMs: time)
                let receipt = try await broker.send(message, to: topic)
                guard let position = receipt.position else { throw ConformanceFailure("a record has a position") }
                sent[receipt.partition, default: []].append((time, position))
            }
        }
        broker = try await reopened(broker)
        let ends = try await broker.endPositions(of: topic)
        for time: Int64 in [.min, 0, 50, 100, 101, 299, 300, 301, 450, 600, 899, 900, 901, .max] {
            let found = try await broker.positions(of: topic, atOrAfterMs: time)
            try requireEqual(found.count, 2, "the number of partitions")
            for (partition, end) in ends {
                let expected = sent[partition]?.first { $0.timeMs >= time }?.position ?? end
                try requireEqual(found[partition], expected, "the position in \(partition) of the time \(time)")
            }
        }
        let begins = try await broker.beginPositions(of: topic)
        try requireEqual(Set(begins.keys), Set(ends.keys), "the partitions that begin")
        for (partition, begin) in begins {
            try require(
                sent[partition]?.first.map { begin <= $0.position } ?? true,
                "no record of \(partition) is before its begin")
        }
        let unknown = Self.freshName("unknown")
        try await requireError(.unknownTopic, "positions") {
            _ = try await broker.positions(of: unknown, atOrAfterMs: 0)
        }
        try await requireError(.unknownTopic, "begins") { _ = try await broker.beginPositions(of: unknown) }
    }
}
