import FoundationEssentials
import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore
import SpillwayRocksDB
import Testing

@testable import spillway

@Suite("Records that earlier versions set aside")
struct UndecodableMoveTests {
    private func key(partition: UInt8, _ low: UInt8) -> [UInt8] {
        Array("undecodable/".utf8) + [0, partition] + [0, 0, 0, 0, 0, 0, 0, 7] + [0, 0, 0, 0, 0, 0, 1, low]
    }

    private func withNode(_ directory: String, _ body: (EmbeddedNode) async throws -> Void) async throws {
        let values = try resolve(.serve, ["--data", directory])
        let node = try EmbeddedNode(StoreConfiguration(values), targetTypes: ["video"], create: true)
        try await body(node)
        try await node.close()
    }

    @Test("are dead letters after the next start, once, and the directory still opens for the other commands")
    func moved() async throws {
        let directory = "/tmp/spillway-move-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await withNode(directory) { node in
            let batch = WriteBatch()
            let meta = try node.database.family("reactions.meta")
            for number in 0..<200 {
                for partition in 0..<2 {
                    batch.put(meta, key(partition: UInt8(partition), UInt8(number)), [0xff, UInt8(number)])
                }
            }
            try node.database.write(batch, sync: true)
        }
        for _ in 0..<2 {
            try await withNode(directory) { node in
                let failures = try await node.openFailures(
                    registry: MetricsRegistry(), logger: Logger(label: "test"))
                defer { failures.close() }
                #expect(try await failures.deadLetterCount(group: ReactionService.group).records == 400)
                let last = try #require(
                    try await failures.deadLetters(group: nil, after: nil, limit: 1_000).last)
                #expect(last.name.partition == TopicPartition(source: "embedded", topic: "reactions", partition: 1))
                #expect(last.name.position == Position(high: 7, low: 256 + 199))
                #expect(last.record.value.map(Array.init) == [0xff, 199] && last.record.key == nil)
                #expect(try node.store.undecodableRecords(limit: 1).isEmpty)
            }
        }
        let program = TestProgram()
        #expect(try await program.runOffThePool("audit", "--data", directory) == .done)
        #expect(program.output.hasSuffix("targets=0 reactions=0 drift=0\n"))
    }
}
