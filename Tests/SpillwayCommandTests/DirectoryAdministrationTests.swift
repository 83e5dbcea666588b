import FoundationEssentials
import Reactions
import Spillway
import SpillwayCore
import SpillwayRocksDB
import Testing

@testable import spillway

/// What administrators ask of a running server, of a stopped one's directory.
@Suite("Groups, dead letters and settings of a data directory", .serialized)
struct DirectoryAdministrationTests {
    private let directory = "/tmp/spillway-directory-\(UUID().uuidString)"

    /// Opens the directory as a program of a user's own does, and closes it.
    private func prepare(_ body: (EmbeddedBroker, RocksFailureStore, RocksSettingsStore) async throws -> Void)
        async throws
    {
        let database = try Database.open(directory)
        let broker = try EmbeddedBroker(database)
        let failures = try RocksFailureStore(database)
        let settings = try RocksSettingsStore(database)
        try await body(broker, failures, settings)
        await broker.close()
        failures.close()
        settings.close()
        try database.close()
    }

    private func run(_ line: String..., environment: [String: String] = [:]) async throws -> (
        code: ExitCode, program: TestProgram
    ) {
        let program = TestProgram()
        let executor = BlockingExecutor(name: "test-command", threads: 1)
        defer { executor.shutdown() }
        let arguments = line + ["--data", directory]
        return (try await executor.run { program.run(arguments, environment: environment) }, program)
    }

    private func letter(_ low: UInt64, group: String = "mail") -> DeadLetter {
        let position = Position(high: 1, low: low)
        return DeadLetter(
            name: RecordName(
                group: group, partition: TopicPartition(source: "embedded", topic: "orders", partition: 0),
                position: position),
            record: Record(key: Array("k\(low)".utf8), value: Array("v".utf8), position: position, timestampMs: 1_000),
            reason: "no user", attempts: 3, failedAtMs: 2_000)
    }

    @Test("groups are listed, set and deleted, and the directory keeps it")
    func groups() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await prepare { broker, _, _ in
            _ = try await broker.ensureTopic("orders", partitions: 2)
            for _ in 0..<10 { _ = try await broker.send(Message(value: [1]), to: "orders") }
            try await broker.subscribe(SubscriptionRequest(topic: "orders", group: "mail")).close()
        }
        let list = try await run("groups", "list")
        #expect(list.code == .done, "\(list.program.errors)")
        #expect(list.program.output.contains("orders  mail"))
        let sought = try await run("groups", "seek", "orders", "mail", "--to", "latest")
        #expect(sought.code == .done && sought.program.output.hasPrefix("mail of orders begins at 0="))
        let json = try await run("groups", "list", "--json").program.output
        #expect(json.contains(#""group":"mail""#) && json.contains(#""committed":{"0":"#))
        #expect(try await run("groups", "seek", "other", "mail", "--to", "latest").program.errors.contains("404"))
        #expect(try await run("groups", "delete", "orders", "mail").program.output == "deleted mail of orders\n")
        let again = try await run("groups", "delete", "orders", "mail")
        #expect(again.code == .foundWrong && again.program.errors.contains("no such group"))
    }

    @Test("dead letters are listed, shown, sent back and thrown away")
    func deadLetters() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await prepare { _, failures, _ in
            let letters = (0..<5).map { letter(UInt64($0)) } + [letter(9, group: ReactionService.group)]
            try await failures.apply(letters.map { .bury($0) })
        }
        let list = try await run("dead-letters", "list", "--limit", "2", "--group", "mail")
        #expect(list.code == .done && list.program.output.split(separator: "\n").count == 3)
        #expect(list.program.output.contains("no user") && list.program.errors.contains("there are more"))
        let shown = try await run("dead-letters", "show", letter(1).name.text)
        #expect(shown.program.output.contains("key       k1\n") && shown.program.output.hasSuffix("\nv\n"))
        #expect(try await run("dead-letters", "requeue", letter(1).name.text).program.output == "requeued 1\n")
        #expect(try await run("dead-letters", "requeue", letter(1).name.text).program.output == "requeued 0\n")
        let refused = try await run("dead-letters", "requeue", letter(9, group: ReactionService.group).name.text)
        #expect(refused.code == .foundWrong && refused.program.errors.contains("409"))
        #expect(try await run("dead-letters", "discard", letter(0).name.text).code == .done)
        #expect(try await run("dead-letters", "requeue", "--group", "mail").program.output == "requeued 3\n")
        try await prepare { _, failures, _ in
            let (back, left) = (
                try await failures.sideCount(group: "mail"), try await failures.deadLetterCount(group: nil)
            )
            #expect(back.records == 4 && left.records == 1)
        }
    }

    @Test("settings are shown and changed from their revision, with who did it")
    func settings() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await prepare { broker, _, settings in
            _ = try await broker.ensureTopic("orders", partitions: 1)
            _ = try await settings.put(
                "consumer/mailer", value: Array(#"{"concurrency":2}"#.utf8), author: "ann", atMs: 0, after: 0)
        }
        #expect(try await run("settings", "show", "mailer").program.output == "revision 1: concurrency=2\n")
        let set = try await run("settings", "set", "mailer", "is_paused=true", "topic=orders")
        #expect(
            set.program.output == "revision 2: concurrency=2 is_paused=true topic=orders\n", "\(set.program.errors)")
        for (assignment, word) in [
            ("concurrency=0", "concurrency"), ("topic=missing", "missing"),
            ("max_batch_records=0", "max_batch_records"),
            ("hot_key_share=2", "share"), ("topic=2024", "topic 2024 is not there"),
        ] {
            let refused = try await run("settings", "set", "mailer", assignment)
            #expect(refused.code == .foundWrong && refused.program.errors.contains(word), "\(refused.program.errors)")
        }
        let odd = try await run("settings", "set", "mailer", "records_per_second=nan")
        #expect(odd.code == .usage && odd.program.errors.contains("records_per_second"), "\(odd.program.errors)")
        let history = try await run("settings", "history", "mailer").program.output.split(separator: "\n")
        #expect(history.count == 3 && history[2].contains("ann") && history[1].hasPrefix("2 "))
        try await prepare { _, _, settings in
            let newest = try #require(try await settings.current("consumer/mailer"))
            #expect(newest.revision == 2 && !newest.author.isEmpty && newest.author != "ann")
        }
    }

    @Test("a directory that a server runs on is refused, and so is one that is not there")
    func inUse() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let missing = try await run("groups", "list")
        #expect(missing.code == .configuration && missing.program.output.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: directory))
        try await prepare { _, _, _ in
            for line in [["groups", "list"], ["dead-letters", "list"], ["settings", "show", "x"]] {
                let refused =
                    line.count == 2 ? try await run(line[0], line[1]) : try await run(line[0], line[1], line[2])
                #expect(refused.code == .configuration && refused.program.output.isEmpty)
                #expect(refused.program.errors.contains("use"), "\(refused.program.errors)")
            }
        }
    }

    @Test("only the flag names a directory: a variable is the server's")
    func variable() async throws {
        let program = TestProgram()
        let executor = BlockingExecutor(name: "test-command", threads: 1)
        defer { executor.shutdown() }
        let code = try await executor.run {
            program.run(["groups", "list"], environment: ["SPILLWAY_DATA": "/tmp/nothing"])
        }
        #expect(code == .usage && program.errors.contains("--token"))
    }

    @Test("a reactions server's directory is left as its server needs it, and no other gets its families")
    func families() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await prepare { _, _, _ in }
        #expect(try await run("groups", "list").code == .done)
        let database = try Database.open(directory)
        #expect(!database.familyNames.contains { $0.hasPrefix("reactions.") })
        try database.close()
        try FileManager.default.removeItem(atPath: directory)
        let values = try resolve(.serve, ["--data", directory])
        let node = try EmbeddedNode(StoreConfiguration(values), targetTypes: ["video"], create: true)
        try await node.close()
        #expect(try await run("groups", "list").code == .done)
        let audited = try await run("audit")
        #expect(audited.code == .done && audited.program.output.contains("drift=0"), "\(audited.program.errors)")
    }
}
