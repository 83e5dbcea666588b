import Spillway
import SpillwayCore

extension ConsumerConformance {
    static let limitChecks: [(name: String, check: Check)] = [
        ("a blocked consumer stops fetching", { try await $0.blockedFetching() }),
        ("failures and changes of owner leak no room", { try await $0.room() }),
        ("keys that fail for ever leave room for the others", { try await $0.failingForEver() }),
        ("a pause outlives a restart and a change of owner", { try await $0.pause() }),
    ]

    private func blockedFetching() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let records = HandledRecords()
        for number in 0..<500 { records.tell("\(number)", .block) }
        var configuration = configuration(topic)
        configuration.maxInFlightRecords = 50
        try await send((0..<500).map { ("key\($0)", "\($0)") }, to: topic, broker)
        try await withConsumer(broker, configuration, records) { consumer in
            try await eventually("its workers are busy") { records.begun.count == 4 }
            try await steadily("it holds no more than it may") { consumer.inspect().inFlightRecords <= 50 }
            for number in 0..<500 { records.tell("\(number)", .handle) }
            try await eventually("all are handled") { records.count == 500 }
            try await eventually("nothing is held") { consumer.inspect().inFlightRecords == 0 }
        }
    }

    private func room() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let faulty = FaultInjectingBroker(broker)
        let records = HandledRecords()
        var configuration = configuration(topic)
        configuration.maxInFlightRecords = 8
        let sent = (0..<200).map { (key: Optional("key\($0 % 7)"), value: "\($0)") }
        for number in stride(from: 0, to: 200, by: 3) { records.fail("\(number)", times: 3) }
        try await send(sent, to: topic, broker)
        try await withConsumer(faulty, configuration, records) { consumer in
            for round in 1...5 {
                try await eventually("some are handled") { records.count >= min(200, round * 30) }
                await faulty.disconnectAll()
            }
            try await eventually("all are handled") { records.count == 200 }
            try await eventuallyCommitted(broker, topic)
            try await eventually("nothing is held") {
                let state = consumer.inspect()
                return state.inFlightRecords == 0 && state.inFlightBytes == 0 && state.longestLanes.isEmpty
            }
        }
        try requireOrder(records, sent)
    }

    private func failingForEver() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        let store = InMemoryFailureStore()
        var configuration = configuration(topic)
        configuration.maxInFlightRecords = 40
        configuration.maxUncommittedRecords = 40
        configuration.retry.maxAttempts = 2
        configuration.retry.whenExhausted = .hold
        let sent = (0..<400).map { (key: Optional($0 % 10 == 0 ? "bad" : "key\($0 % 30)"), value: "\($0)") }
        for item in sent where item.key == "bad" { records.tell(item.value, .fail) }
        try await send(sent, to: topic, broker)
        try await withConsumer(broker, configuration, records, failureStore: store) { _ in
            try await eventually("all others are handled") { records.count == 360 }
            // The window has passed the key: what of it waits is in the side queue.
            try await eventuallyCommitted(broker, topic)
            try await eventually("it is in the side queue") { try await store.sideCount(group: "g").records == 40 }
        }
        try requireOrder(records, sent)
    }

    private func pause() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let faulty = FaultInjectingBroker(broker)
        let records = HandledRecords()
        let settings = InMemorySettingsStore()
        try await withConsumer(faulty, configuration(topic), records, settings: settings) { consumer in
            try await eventually("it runs") { consumer.inspect().partitions.count == 2 }
            try await consumer.pause(by: "check")
            try await send((0..<20).map { ("key\($0)", "\($0)") }, to: topic, broker)
            await faulty.disconnectAll()
            try await eventually("it has its partitions again") { consumer.inspect().partitions.count == 2 }
            try await steadily("nothing is handled") { records.begun.isEmpty }
        }
        try await withConsumer(faulty, configuration(topic), records, settings: settings) { consumer in
            try await eventually("it runs again") { consumer.inspect().partitions.count == 2 }
            try await steadily("nothing is handled after a restart") { records.begun.isEmpty }
            try await consumer.resume(by: "check")
            try await eventually("all are handled") { records.count == 20 }
        }
    }
}
