import Spillway
import SpillwayCore
import SpillwayRocksDB

struct Signup: Codable {
    var name: String
    var plan: String
}

struct Welcome: SingleHandler {
    let logger: Logger

    func decode(_ record: Record) throws -> Signup { try record.json() }

    func handle(_ signup: Signup, context: HandlingContext) async throws {
        try await Task.sleep(for: .milliseconds(100))  // The work: a mail, a row, a call of another service.
        logger.info("welcomed \(signup.name), who takes \(signup.plan)")
    }
}

let broker = try EmbeddedBroker(Database.open("data"))
_ = try await broker.ensureTopic("signups", partitions: 4)

// Every argument is an event: durable when `send` returns.
let producer = try Producer(broker: broker, topic: "signups")
for name in CommandLine.arguments.dropFirst() {
    try await producer.send(key: name, json: Signup(name: name, plan: "basic"))
}

let logger = Logger(label: "welcome")
let consumer = try Consumer(
    id: "welcome-1", broker: broker, configuration: ConsumerConfiguration(topic: "signups", group: "welcome"),
    processor: .single(Welcome(logger: logger)))
try await ServiceGroup(services: [consumer], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
await broker.close()
try broker.database.close()
