// Counts views of pages by minute, each view once, however often the process is killed.
//
//   KeyAggregator count FILE    logs the file's lines `milliseconds page`, then counts what is in the log until Ctrl-C
//   KeyAggregator report        prints a line `page minute count` for every minute in which a page was seen
import FoundationEssentials
import Spillway
import SpillwayCore
import SpillwayRocksDB

let arguments = Array(CommandLine.arguments.dropFirst())
let database = try Database.open("counter-data")
let counts = try CountTable(database)

switch arguments.first {
case "count" where arguments.count == 2:
    try await count(arguments[1], database, counts)
case "report":
    for line in try counts.all() { print(line) }
default:
    print("usage: KeyAggregator count FILE | report")
}
try database.close()

func count(_ file: String, _ database: Database, _ counts: CountTable) async throws {
    let logger = Logger(label: "counter")
    let broker = try EmbeddedBroker(database)
    _ = try await broker.ensureTopic("views", partitions: 4)

    // A batch closes at 5,000 records or after 200 ms. The table is read and written on a thread that may wait for a disk.
    let threads = BlockingExecutor(name: "counter", threads: 2)
    let consumer = try Consumer(
        id: "counter-1", broker: broker, configuration: ConsumerConfiguration(topic: "views", group: "counter"),
        processor: .aggregate(
            ViewCounter(counts: counts, logger: logger),
            limits: BatchLimits(maxRecords: 5_000, maxBytes: 16 << 20, maxDelay: .milliseconds(200))),
        executor: threads)
    let feed = Feed(file: file, producer: try Producer(broker: broker, topic: "views"), logger: logger)
    // The feed ends with the file; the counter goes on.
    var services = [ServiceGroupConfiguration.ServiceConfiguration(service: consumer)]
    services.append(.init(service: feed, successTerminationBehavior: .ignore))
    try await ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    ).run()
    await broker.close()
    threads.shutdown()
}

/// Sends a file's lines to the log, two hundred at a time.
struct Feed: Service {
    let file: String
    let producer: Producer
    let logger: Logger

    func run() async throws {
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        for start in stride(from: 0, to: lines.count, by: 200) where !Task.isShuttingDownGracefully {
            let part = lines[start..<min(start + 200, lines.count)]
            var messages = try part.map { line in
                let parts = line.split(separator: " ", maxSplits: 1)
                guard parts.count == 2, let time = Int64(parts[0]) else { throw BadLine(text: String(line)) }
                return Message(key: Array(parts[1].utf8), value: nil, timestampMs: time)
            }
            // The log keeps the token in the same write as the lines: after a crash they are sent again, and it keeps one.
            // The fingerprint makes it refuse other lines under the same token.
            messages[0].deduplication = Deduplication(
                scope: Array(file.utf8), token: Array("\(start)".utf8),
                fingerprint: ByteHash(seed: 0).hash(part.joined(separator: "\n")))
            _ = try await producer.send(messages)
        }
        logger.notice("the whole file is in the log", metadata: ["lines": "\(lines.count)"])
    }
}

/// A line that is not `milliseconds page`.
struct BadLine: Error {
    let text: String
}
