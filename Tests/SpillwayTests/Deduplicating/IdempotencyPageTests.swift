import FoundationEssentials
import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

// MARK: The snippets of docs/IDEMPOTENCY.md, word for word; `theSnippetsOfThePageAreTheseHere` compares them.

struct Mailer: SingleHandler {
    let mail: any MailService

    func decode(_ record: Record) throws -> String { String(decoding: record.value ?? [], as: UTF8.self) }

    func handle(_ address: String, context: HandlingContext) async throws { try await mail.send(to: address) }
}

func makeMailer(_ broker: any Broker, _ handled: any Deduplicator, _ mail: any MailService) throws -> Consumer {
    try Consumer(
        id: "mailer-1", broker: broker, configuration: ConsumerConfiguration(topic: "signups", group: "mailer"),
        processor: .single(Mailer(mail: mail)),
        interceptors: [
            try DeduplicatingInterceptor(handled, scope: "mailer") { record in
                record.headers.first { $0.name == "event-id" }?.value
            }
        ])
}

struct Ledger: PartitionBatchHandler {
    let store: any LedgerStore

    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        try await store.positions(of: partitions)
    }

    func handle(_ batch: RecordBatch) async throws {
        try await store.transaction { transaction in
            let next = transaction.position(of: batch.partition) ?? .start
            // An earlier owner may have applied some of them since this one asked where to begin.
            let new = batch.records.filter { ($0.position ?? .start) >= next }
            guard let last = new.last?.position else { return }
            for record in new { transaction.book(record) }
            // Fails, and with it the transaction, unless the partition still stands at `next`.
            try transaction.move(batch.partition, from: next, to: last.successor)
        }
    }
}

// MARK: What the snippets stand on

protocol MailService: Sendable {
    func send(to address: String) async throws
}

protocol LedgerStore: Sendable {
    func positions(of partitions: [TopicPartition]) async throws -> [TopicPartition: Position]
    func transaction(_ body: @Sendable (inout LedgerTransaction) throws -> Void) async throws
}

struct LedgerTransaction {
    var booked: [String] = []
    var positions: [TopicPartition: Position] = [:]

    func position(of partition: TopicPartition) -> Position? { positions[partition] }

    mutating func book(_ record: Record) { booked.append(String(decoding: record.value ?? [], as: UTF8.self)) }

    mutating func move(_ partition: TopicPartition, from: Position, to: Position) throws {
        guard positions[partition] ?? .start == from else { throw Trouble() }
        positions[partition] = to
    }
}

/// Keeps what was sent; fails now and then before it has sent.
private final class Outbox: MailService {
    private let state = Mutex<(sent: [String], calls: Int)>(([], 0))
    var sent: [String] { state.withLock { $0.sent } }

    func send(to address: String) async throws {
        try state.withLock { state in
            state.calls += 1
            if state.calls.isMultiple(of: 7) { throw Trouble() }
            state.sent.append(address)
        }
    }
}

/// Commits all of a transaction or nothing; fails before and after the commit now and then, as a crash would.
private final class Book: LedgerStore {
    private let state = Mutex<(kept: LedgerTransaction, calls: Int)>((LedgerTransaction(), 0))
    var booked: [String] { state.withLock { $0.kept.booked } }

    func positions(of partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        state.withLock { $0.kept.positions.filter { partitions.contains($0.key) } }
    }

    func transaction(_ body: @Sendable (inout LedgerTransaction) throws -> Void) async throws {
        try state.withLock { state in
            state.calls += 1
            var transaction = state.kept
            try body(&transaction)
            if state.calls % 5 == 1 { throw Trouble() }
            state.kept = transaction
            if state.calls % 5 == 3 { throw Trouble() }
        }
    }
}

@Suite struct IdempotencyPageTests {
    @Test func theSnippetsOfThePageAreTheseHere() throws {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let page = try String(contentsOf: root.appending(path: "docs/IDEMPOTENCY.md"), encoding: .utf8)
        let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
        let snippets = page.split(separator: "```swift\n").dropFirst().compactMap { $0.split(separator: "```").first }
        #expect(snippets.count == 2)
        for snippet in snippets { #expect(source.contains(snippet)) }
    }

    @Test func theMailerSendsOneMailForEachEvent() async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("signups", partitions: 2)
        let outbox = Outbox()
        let store = try InMemoryDeduplicator()
        try await ConsumerTests.run(makeMailer(broker, store, outbox)) {
            for number in 0..<90 {
                let text = Array("\(number % 30)".utf8)
                _ = try await broker.send(
                    Message(key: text, value: text, headers: [Header(name: "event-id", value: text)]), to: "signups")
            }
            try await eventually { store.figures.entries == 30 && store.figures.claims == 0 }
        }
        #expect(outbox.sent.count == 30 && Set(outbox.sent).count == 30)
    }

    @Test func theLedgerBooksEachRecordOnceAcrossOwners() async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("t", partitions: 2)
        let book = Book()
        func consumer(_ id: String) throws -> Consumer {
            try Consumer(
                id: id, broker: broker, configuration: ConsumerTests.configuration(),
                processor: .partitionBatch(Ledger(store: book), maxRecords: 7))
        }
        try await ConsumerTests.run(consumer("one")) {
            for round in 0..<4 {
                try await ConsumerTests.run(consumer("two")) {
                    for number in 0..<50 {
                        _ = try await broker.send(
                            Message(key: Array("k\(number % 9)".utf8), value: Array("\(round * 50 + number)".utf8)),
                            to: "t")
                    }
                    try await eventually { book.booked.count >= (round + 1) * 50 }
                    broker.expireMembers(ofGroup: "g", topic: "t")
                }
            }
        }
        #expect(book.booked.count == 200 && Set(book.booked).count == 200)
    }
}
