import FoundationEssentials
import Testing

@testable import SpillwayRocksDB

/// What this library makes a family with holds after a restart too.
@Suite struct OwnFamiliesTests {
    /// The bytes of each family's memtables, as RocksDB writes down what it was opened with.
    private func writeBuffers(_ path: String) throws -> [String: Int] {
        let names = try FileSystem.names(in: path).filter { $0.hasPrefix("OPTIONS-") && !$0.hasSuffix(".dbtmp") }
        let text = String(decoding: try FileSystem.read(path + "/" + (try #require(names.last))), as: UTF8.self)
        var family = ""
        var found: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("[CFOptions \"") { family = String(line.dropFirst(12).dropLast(2)) }
            let words = line.split(separator: "=")
            if words.count == 2, words[0].hasSuffix(" write_buffer_size") || words[0] == "write_buffer_size" {
                found[family] = Int(words[1])
            }
        }
        return found
    }

    @Test func theyAreOpenedAsTheyWereMade() async throws {
        let fixture = try BrokerFixture()
        _ = try KeyValueStore(fixture.database)
        let deduplicator = try RocksDeduplicator(fixture.database)
        await deduplicator.close()
        try await fixture.reopen()
        let found = try writeBuffers(fixture.directory("data/db"))
        #expect(found["settings"] == 1 << 20)
        #expect(found["groups"] == 4 << 20)
        #expect(found["deduplication"] == 16 << 20)
        #expect(found["handled"] == 16 << 20)
        try await fixture.close()
    }
}
