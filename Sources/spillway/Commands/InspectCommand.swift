import FoundationEssentials
import Spillway
import SpillwayHTTP

/// `spillway inspect`.
enum InspectCommand {
    private struct Consumers: Decodable {
        var items: [ConsumerInspection]
    }

    static func run(_ values: OptionValues, ids: [String], _ terminal: Terminal) throws -> ExitCode {
        let client = try AdminClient(values, .inspect)
        let answer = try client.ask(.get, "/v1/admin/consumers")
        if values[OptionTable.json] {
            terminal.writeResult(answer + [UInt8(ascii: "\n")])
            return .done
        }
        let consumers = try client.read(Consumers.self, answer).items
        if let unknown = ids.first(where: { id in !consumers.contains { $0.id == id } }) {
            throw CommandError(.foundWrong, "the server has no consumer \(unknown)")
        }
        for consumer in consumers where ids.isEmpty || ids.contains(consumer.id) { print(consumer, terminal) }
        return .done
    }

    private static func print(_ consumer: ConsumerInspection, _ terminal: Terminal) {
        var state = consumer.isRunning ? "running" : "stopped"
        if consumer.isPaused { state = "paused by an operator" }
        if consumer.isIntakePaused { state += ", at its limit of records in flight" }
        if consumer.isSideQueueFull { state += ", side queue or dead letters full" }
        terminal.print(
            "\(TextTable.harmless(consumer.id)): \(state); \(consumer.processor) of \(consumer.topic), "
                + "group \(TextTable.harmless(consumer.group)); \(consumer.inFlightRecords) records in flight, "
                + "\(consumer.runningRecords) with handlers, \(consumer.heldKeys) keys held, settings revision "
                + "\(consumer.settingsRevision)")
        var partitions = TextTable(["PARTITION", "NEXT", "WINDOW", "RECORDS", "PAUSED", "BLOCKED BY"])
        for partition in consumer.partitions {
            partitions.add([
                "\(partition.partition)", partition.next, "\(partition.window)", "\(partition.records)",
                partition.isPaused ? "yes" : "no", partition.blockedBy.map(text) ?? "",
            ])
        }
        terminal.print(partitions.text)
        guard !consumer.longestLanes.isEmpty || !consumer.hotKeys.isEmpty else { return }
        var keys = TextTable(["KEY", "PARTITION", "RECORDS", "STATE", "HOT"])
        for lane in consumer.longestLanes {
            let share = consumer.hotKeys.first { $0.key == lane.key && $0.partition == lane.partition }?.share
            keys.add([
                TextTable.harmless(lane.key), "\(lane.partition)", "\(lane.records)", lane.state.rawValue,
                share.map { "\(Int($0 * 100)) %" } ?? "",
            ])
        }
        terminal.print(keys.text)
    }

    private static func text(_ record: ConsumerInspection.UnfinishedRecord) -> String {
        let position = record.position ?? "no position"
        let key = record.key.map { ", key \(TextTable.harmless($0))" } ?? ""
        return
            "\(position)\(key), \(record.state.rawValue) for \(Int(record.forSeconds)) s, \(record.attempts) attempts"
    }
}
