// Loads lines `customer,cents` into an SQLite table, each exactly once, however often the process is killed.
//
//   BatchLoader load FILE       logs the file's lines, then loads what is in the log until Ctrl-C
//   BatchLoader report          prints how many orders there are, how many different ones, and their sum
import FoundationEssentials
import Spillway
import SpillwayCore
import SpillwayRocksDB

let arguments = Array(CommandLine.arguments.dropFirst())
let orders = try OrderDatabase(path: "orders.sqlite")

switch arguments.first {
case "load" where arguments.count == 2:
    try await load(arguments[1], into: orders)
case "report":
    let row = try orders.withConnection {
        try $0.run("SELECT count(*), count(DISTINCT id), coalesce(sum(cents), 0) FROM orders")[0]
    }
    print("\(row[0]) orders, \(row[1]) different, \(row[2]) cents")
default:
    print("usage: BatchLoader load FILE | report")
}

func load(_ file: String, into orders: OrderDatabase) async throws {
    let logger = Logger(label: "loader")
    let database = try Database.open("loader-data")
    let broker = try EmbeddedBroker(database)
    _ = try await broker.ensureTopic("orders", partitions: 4)

    let threads = BlockingExecutor(name: "sqlite", threads: 1)
    let consumer = try Consumer(
        id: "loader-1", broker: broker, configuration: ConsumerConfiguration(topic: "orders", group: "loader"),
        processor: .partitionBatch(OrderLoader(database: orders), maxRecords: 500), executor: threads)
    let feed = Feed(file: file, producer: try Producer(broker: broker, topic: "orders"), logger: logger)
    // The feed ends with the file; the loader goes on.
    var services = [ServiceGroupConfiguration.ServiceConfiguration(service: consumer)]
    services.append(.init(service: feed, successTerminationBehavior: .ignore))
    try await ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    ).run()
    await broker.close()
    try database.close()
    threads.shutdown()
}

/// Sends a file's lines to the log, a hundred at a time.
struct Feed: Service {
    let file: String
    let producer: Producer
    let logger: Logger

    func run() async throws {
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        for start in stride(from: 0, to: lines.count, by: 100) where !Task.isShuttingDownGracefully {
            let part = lines[start..<min(start + 100, lines.count)]
            var messages = try part.enumerated().map { offset, line in
                let parts = line.split(separator: ",")
                guard parts.count == 2, let cents = Int(parts[1]) else { throw BadLine(number: start + offset + 1) }
                let order = Order(id: start + offset, customer: String(parts[0]), cents: cents)
                return try Message(key: order.customer, json: order)
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

/// A line that is not `customer,cents`.
struct BadLine: Error {
    let number: Int
}
