// Sends events to a URL: in order for each key, tried again while the receiver is down, set aside when nothing helps.
//
//   WebhookSender run URL [KEY=JSON …]     logs the events, then delivers until Ctrl-C
//   WebhookSender dead-letters             lists what could not be delivered
//   WebhookSender requeue                  sends all of that back; the next run delivers it
import Spillway
import SpillwayCore
import SpillwayCurl
import SpillwayRocksDB

let arguments = Array(CommandLine.arguments.dropFirst())
let logger = Logger(label: "webhooks")

// One directory holds the log, the side queue and the dead letters. One process at a time can open it.
let database = try Database.open("webhooks-data")
let failures = try RocksFailureStore(database)

switch arguments.first {
case "run" where arguments.count >= 2:
    try await run(url: arguments[1], events: arguments.dropFirst(2))
case "dead-letters":
    for letter in try await allDeadLetters() {
        let (key, body) = (letter.record.keyString ?? "", letter.record.valueString ?? "")
        print("\(key) \(body) (\(letter.reason), \(letter.attempts) attempts)")
    }
case "requeue":
    // Asking twice is harmless: a letter is among the dead or in the side queue, never in both.
    let count = try await failures.requeueDeadLetters(allDeadLetters().map(\.name), dueMs: 0)
    print("\(count) sent back")
default:
    print("usage: WebhookSender run URL [KEY=JSON ...] | dead-letters | requeue")
}
failures.close()
try database.close()

func run(url: String, events: ArraySlice<String>) async throws {
    let broker = try EmbeddedBroker(database)
    _ = try await broker.ensureTopic("events", partitions: 4)
    let producer = try Producer(broker: broker, topic: "events")
    for event in events {
        let parts = event.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { throw BadEvent(text: event) }
        try await producer.send(key: String(parts[0]), string: String(parts[1]))
    }

    let client = try HTTPClient(url: url, connections: 8)
    var configuration = ConsumerConfiguration(topic: "events", group: "webhooks")
    configuration.concurrency = 8  // As many as there are connections.
    configuration.retry = .webhooks
    let consumer = try Consumer(
        id: "webhooks-1", broker: broker, configuration: configuration,
        processor: .single(WebhookHandler(client: client)), failureStore: failures)
    try await ServiceGroup(services: [consumer], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
    client.close()
    await broker.close()
}

func allDeadLetters() async throws -> [DeadLetter] {
    var letters: [DeadLetter] = []
    while true {
        let page = try await failures.deadLetters(group: "webhooks", after: letters.last?.name, limit: 100)
        if page.isEmpty { return letters }
        letters += page
    }
}

/// An argument that is not `KEY=JSON`.
struct BadEvent: Error {
    let text: String
}
