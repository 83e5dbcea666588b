import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// Grants a few credits at a time out of a purse, which a test fills.
private final class PurseSource: RateSource {
    let purse: Mutex<Int>
    let requests = Mutex<[String: Int]>([:])
    let isDown = Mutex(false)

    init(_ credits: Int) { purse = Mutex(credits) }

    func lease(_ count: Int, member: String) async throws -> RateLeaseGrant {
        requests.withLock { $0[member, default: 0] += 1 }
        if isDown.withLock({ $0 }) { throw RateSourceError(.unavailable, "down") }
        let granted = purse.withLock { purse in
            let granted = min(3, count, purse)
            purse -= granted
            return granted
        }
        return RateLeaseGrant(
            count: granted, validFor: .seconds(600), retryAfter: granted < count ? .milliseconds(2) : nil, share: 1e-6)
    }
}

@Suite struct GlobalRateTests {
    private func send(_ count: Int, to broker: InMemoryBroker) async throws {
        for number in 0..<count {
            _ = try await broker.send(Message(key: Array("k\(number)".utf8), value: Array("\(number)".utf8)), to: "t")
        }
    }

    private func consumer(
        _ id: String, _ broker: InMemoryBroker, _ source: any RateSource, _ notebook: Notebook
    ) throws -> Consumer {
        var configuration = ConsumerTests.configuration()
        configuration.group = id
        configuration.globalRate = GlobalRateLimit(source)
        return try Consumer(
            id: id, broker: broker, configuration: configuration, processor: .single(NotingHandler(notebook: notebook)),
            logger: quietLogger)
    }

    @Test func consumersTogetherHandleNoMoreThanTheirSourceGrants() async throws {
        let broker = try await ConsumerTests.broker()
        let (one, two) = (Notebook(), Notebook())
        let source = PurseSource(11)
        try await send(20, to: broker)
        let first = try consumer("one", broker, source, one)
        let second = try consumer("two", broker, source, two)
        try await ConsumerTests.run(first) {
            try await ConsumerTests.run(second) {
                try await soon("what is granted is handled") { one.values.count + two.values.count == 11 }
                let asked = source.requests.withLock { $0 }
                check(asked.count == 2, "each under a name of its own: \(asked.keys.sorted())")
                try await soon("both ask again") {
                    source.requests.withLock { now in asked.allSatisfy { now[$0.key, default: 0] > $0.value } }
                }
                check(one.values.count + two.values.count == 11)
                source.purse.withLock { $0 = 1_000 }
                try await soon("all are handled") { one.values.count == 20 && two.values.count == 20 }
            }
        }
    }

    @Test func aSourceThatComesBackIsUsedAgain() async throws {
        let broker = try await ConsumerTests.broker()
        let notebook = Notebook()
        let source = PurseSource(1_000)
        source.isDown.withLock { $0 = true }
        try await send(5, to: broker)
        try await ConsumerTests.run(try consumer("one", broker, source, notebook)) {
            try await soon("the source is asked again") { source.requests.withLock { $0.values.reduce(0, +) } >= 2 }
            check(notebook.values.count == 0, "it has no share yet")
            source.isDown.withLock { $0 = false }
            try await soon("all are handled") { notebook.values.count == 5 }
        }
    }

    @Test(arguments: ["member", "initialShare", "maxLease"])
    func aLimitOutOfItsRangeIsNamed(field: String) throws {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        let source = PurseSource(0)
        switch field {
        case "member": configuration.globalRate = GlobalRateLimit(source, member: "")
        case "initialShare": configuration.globalRate = GlobalRateLimit(source, initialShare: -1)
        default: configuration.globalRate = GlobalRateLimit(source, maxLease: 0)
        }
        let error = #expect(throws: ConsumerError.self) { try configuration.validate() }
        check(error?.message.contains("globalRate.\(field)") == true)
    }
}
