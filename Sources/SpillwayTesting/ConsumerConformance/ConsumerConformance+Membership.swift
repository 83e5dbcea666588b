import Spillway
import SpillwayCore

extension ConsumerConformance {
    static let membershipChecks: [(name: String, check: Check)] = [
        ("members side by side handle everything between them", { try await $0.sideBySide() }),
        ("members that leave at once lose nothing", { try await $0.leavingAtOnce() }),
        ("members that are killed lose nothing", { try await $0.killed() }),
        ("members that come and go while handlers run stop nothing", { try await $0.comingAndGoing() }),
        ("a commit stays below what is unfinished, over a change of owner", { try await $0.commitBelowUnfinished() }),
        ("what is being handled ends before its partition goes", { try await $0.drainBeforeGoing() }),
        ("what comes again to an earlier owner is handled again", { try await $0.comingBack() }),
        ("a handler is cancelled with its consumer, and its record comes again", { try await $0.cancelled() }),
        ("a consumer goes on when its connection breaks", { try await $0.reconnecting() }),
        ("what comes to a group that begins at the latest record stays its own", { try await $0.latestStaysPut() }),
        ("shutdown ends while the broker can't be reached", { try await $0.shutdownWithoutBroker() }),
        ("shutdown drains what runs, and commits it", { try await $0.shutdownDrains() }),
    ]

    private func sideBySide() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let (one, two) = (HandledRecords(), HandledRecords())
        let sent = (0..<200).map { (key: Optional("key\($0)"), value: "\($0)") }
        try await withConsumer(broker, configuration(topic), one, id: "one") { first in
            try await withConsumer(broker, configuration(topic), two, id: "two") { second in
                try await eventually("each has some partitions") {
                    first.inspect().partitions.count == 2 && second.inspect().partitions.count == 2
                }
                try await send(sent, to: topic, broker)
                try await eventually("all are handled") { one.values.count + two.values.count >= 200 }
                try await eventuallyCommitted(broker, topic)
            }
        }
        try requireEqual(one.values.count + two.values.count, 200, "the handlings, none twice")
        try requireEqual(Set(one.values + two.values).count, 200, "the different records")
        try require(!one.values.isEmpty && !two.values.isEmpty, "both members handle some")
    }

    private func leavingAtOnce() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let records = HandledRecords()
        let sent = (0..<300).map { (key: Optional("key\($0 % 50)"), value: "\($0)") }
        // Nobody gets past the middle before all have left.
        for number in 150..<200 { records.tell("\(number)", .fail) }
        try await send(sent, to: topic, broker)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<4 {
                tasks.addTask {
                    try await withConsumer(broker, configuration(topic), records, id: "member\(number)") { _ in
                        try await eventually("some are handled") { records.count >= 60 }
                    }
                }
            }
            try await tasks.waitForAll()
        }
        try require(records.count <= 150, "no record is handled before those of its key that failed")
        for number in 150..<200 { records.tell("\(number)", .handle) }
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("the rest is handled") { records.count == 300 }
            try await eventuallyCommitted(broker, topic)
        }
        try requireOrder(records, sent)
    }

    private func killed() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let records = HandledRecords()
        let sent = (0..<200).map { (key: Optional("key\($0 % 20)"), value: "\($0)") }
        try await send(sent, to: topic, broker)
        var left = 200
        for round in 1...4 {
            // One of each key, more than there are workers: all are in the middle of something.
            let middle = Set((round * 40 - 20..<round * 40).map { "\($0)" })
            for value in middle { records.tell(value, .block) }
            try await withConsumer(broker, configuration(topic), records, ending: .killed) { _ in
                try await eventually("all its workers are busy") { middle.intersection(records.begun).count >= 4 }
                try await eventually("some is committed") { try await uncommitted(broker, topic) < left }
            }
            left = try await uncommitted(broker, topic)
            for value in middle { records.tell(value, .handle) }
        }
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("the rest is handled") { records.count == 200 }
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func comingAndGoing() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let records = HandledRecords()
        var sent = 0
        try await withConsumer(broker, configuration(topic), records, id: "stays") { _ in
            for round in 0..<5 {
                try await withConsumer(broker, configuration(topic), records, id: "guest\(round)") { _ in
                    try await send((sent..<sent + 40).map { ("key\($0)", "\($0)") }, to: topic, broker)
                    sent += 40
                    try await eventually("some of the round are handled") { records.count >= sent - 20 }
                }
                let count = sent
                try await eventually("all of the round are handled") { records.count == count }
            }
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func commitBelowUnfinished() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        records.tell("3", .fail)
        try await send((0..<30).map { ("key\($0)", "\($0)") }, to: topic, broker)
        for _ in 0..<2 {
            try await withConsumer(broker, configuration(topic), records) { _ in
                try await eventually("all others are handled") { records.count == 29 && records.attempts("3") >= 1 }
                try await eventually("what is before it is committed") {
                    try await uncommitted(broker, topic) == 27
                }
                try await steadily("and nothing more") { try await uncommitted(broker, topic) == 27 }
            }
            try requireEqual(try await uncommitted(broker, topic), 27, "the records not committed after it has left")
        }
        records.tell("3", .handle)
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("it is not lost") { records.count == 30 }
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func drainBeforeGoing() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let faulty = FaultInjectingBroker(broker)
        let records = HandledRecords()
        for number in 0..<16 { records.tell("\(number)", .block) }
        var configuration = configuration(topic)
        configuration.concurrency = 16
        try await send((0..<16).map { ("key\($0)", "\($0)") }, to: topic, broker)
        try await withConsumer(faulty, configuration, records, id: "first") { _ in
            try await eventually("all are being handled") { records.begun.count == 16 }
            try await withThrowingTaskGroup(of: Void.self) { [configuration] tasks in
                tasks.addTask {
                    try await withConsumer(broker, configuration, records, id: "second") { second in
                        try await eventually("it has a partition") { second.inspect().partitions.count == 1 }
                    }
                }
                try await eventually("a partition is asked back") { faulty.revocations > 0 }
                try await steadily("they are handled by one only") { records.begun.count == 16 }
                for number in 0..<16 { records.tell("\(number)", .handle) }
                try await tasks.waitForAll()
            }
            try await eventuallyCommitted(broker, topic)
            try requireEqual(records.begun.count, 16, "the number of handlings")
        }
    }

    private func comingBack() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        let faulty = FaultInjectingBroker(broker)
        records.tell("0", .block)
        try await send([("a", "0"), ("a", "1")], to: topic, broker)
        try await withConsumer(faulty, configuration(topic), records) { _ in
            try await eventually("it is being handled") { records.begun == ["0"] }
            await faulty.disconnectAll()
            try await eventually("it comes again while the first handling goes on") { records.begun == ["0", "0"] }
            records.tell("0", .handle)
            try await eventually("its key goes on") { records.values.contains("1") }
            try await eventuallyCommitted(broker, topic)
        }
        // The earlier handling may end at any time: only its own store can tell it that it is late.
        try requireEqual(records.values.count { $0 == "1" }, 1, "the handlings of what came behind")
    }

    private func cancelled() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        records.tell("0", .block)
        try await send([("a", "0")], to: topic, broker)
        try await withConsumer(broker, configuration(topic), records, ending: .killed) { _ in
            try await eventually("it is being handled") { records.begun == ["0"] }
        }
        try requireEqual(records.cancelled, ["0"], "the handlers that were cancelled")
        try requireEqual(try await uncommitted(broker, topic), 1, "the records not committed")
        records.tell("0", .handle)
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("it comes again") { records.values == ["0"] }
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func reconnecting() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let faulty = FaultInjectingBroker(broker)
        let records = HandledRecords()
        let sent = (0..<200).map { (key: Optional("key\($0 % 20)"), value: "\($0)") }
        try await withConsumer(faulty, configuration(topic), records) { _ in
            for round in 0..<4 {
                try await send(Array(sent[round * 50..<(round + 1) * 50]), to: topic, broker)
                try await eventually("some of the round are handled") { records.count > round * 50 }
                await faulty.disconnectAll()
            }
            try await eventually("all are handled") { records.count == 200 }
            try await eventuallyCommitted(broker, topic)
        }
        try requireOrder(records, sent)
    }

    private func latestStaysPut() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let faulty = FaultInjectingBroker(broker)
        let records = HandledRecords()
        var configuration = configuration(topic)
        configuration.start = .latest
        try await send([("a", "before")], to: topic, broker)
        records.tell("0", .block)
        try await withConsumer(faulty, configuration, records, ending: .killed) { _ in
            try await eventually("its place is committed") {
                try await broker.committed(group: "g", topic: topic).count == 1
            }
            try await send([("a", "0"), ("a", "1")], to: topic, broker)
            try await eventually("the first is being handled") { records.begun == ["0"] }
            await faulty.disconnectAll()
            try await eventually("it comes again over another connection") { records.begun == ["0", "0"] }
        }
        records.tell("0", .handle)
        try await withConsumer(broker, configuration, records) { _ in
            try await eventually("it comes to the next owner") { records.values == ["0", "1"] }
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func shutdownWithoutBroker() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let faulty = FaultInjectingBroker(broker)
        let records = HandledRecords()
        try await send([("a", "0")], to: topic, broker)
        // That it ends is checked there.
        try await withConsumer(faulty, configuration(topic), records) { _ in
            try await eventually("it is handled") { records.values == ["0"] }
            faulty.faults.failedSubscribes = 1
            await faulty.disconnectAll()
        }
    }

    private func shutdownDrains() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        for number in 0..<4 { records.tell("\(number)", .block) }
        try await send((0..<40).map { ("key\($0)", "\($0)") }, to: topic, broker)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            try await withConsumer(broker, configuration(topic), records) { _ in
                try await eventually("its workers are busy") { records.begun.count == 4 }
                tasks.addTask {
                    // Shutdown has begun by then, or begins with handlers that are about to end: both are drained.
                    try await Task.sleep(for: .milliseconds(50))
                    for number in 0..<4 { records.tell("\(number)", .handle) }
                }
            }
            try await tasks.waitForAll()
        }
        try require(records.count >= 4, "what was being handled ends")
        let handled = records.count
        try requireEqual(try await uncommitted(broker, topic), 40 - handled, "the records not committed")
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("the rest is handled") { records.count == 40 }
        }
        try requireEqual(records.values.count, 40, "the handlings, none twice")
    }
}
