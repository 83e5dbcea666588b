import FoundationEssentials
import SpillwayCore
import SpillwayHTTP
import SpillwayRocksDB
import Synchronization
import Testing

@testable import spillway

@Suite("An open data directory")
struct EmbeddedNodeTests {
    private func eventually(_ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "the condition did not come true in thirty seconds")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test("drops nothing from the log when it is opened without its limits, as by audit and import")
    func retention() throws {
        let stopped = EmbeddedNode.broker(nil)
        #expect(stopped.retentionAge == nil && stopped.retentionBytes == nil)
        let values = try resolve(.serve, ["--log-retention-age", "30d"])
        #expect(EmbeddedNode.broker(LogConfiguration(values)).retentionAge == .seconds(30 * 86_400))
    }

    @Test("chooses the disk's reserve itself unless one is given")
    func reserve() throws {
        func opening(_ arguments: String...) throws -> Int? {
            let values = try resolve(.serve, arguments)
            return EmbeddedNode.opening(StoreConfiguration(values), create: true, log: LogConfiguration(values))
                .reserveBytes
        }
        #expect(try opening() == nil)
        #expect(try opening("--disk-reserve-bytes", "0") == nil)
        #expect(try opening("--disk-reserve-bytes", "1GiB") == 1 << 30)
    }

    @Test("says of a backup's path that it is taken, or inside of the directory, by the field's name")
    func badBackupPaths() async throws {
        let directory = "/tmp/spillway-backup-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let values = try resolve(.serve, ["--data", directory])
        let node = try EmbeddedNode(StoreConfiguration(values), targetTypes: ["video"], create: true)
        for path in ["/tmp", directory, directory + "/db/x"] {
            let problem = await #expect(throws: Problem.self) { try await node.backUp(to: path) }
            #expect(problem?.status == .unprocessableContent && problem?.detail?.hasPrefix("path: ") == true)
        }
        try await node.close()
    }

    @Test("is closed only when the backups that were asked for are there")
    func closing() async throws {
        let directory = "/tmp/spillway-closing-\(UUID().uuidString)"
        let copy = directory + "-copy"
        defer { for path in [directory, copy] { try? FileManager.default.removeItem(atPath: path) } }
        let values = try resolve(.serve, ["--data", directory])
        let node = try EmbeddedNode(StoreConfiguration(values), targetTypes: ["video"], create: true)
        let gate = Monitor(false)
        #expect(node.maintenance.execute { _ = gate.wait { $0 ? true : nil } })
        let backup = Task { try await node.backUp(to: copy) }
        try await eventually { node.maintenance.waitingCount == 1 }
        let isClosed = Atomic<Bool>(false)
        let closing = Task {
            try await node.close()
            isClosed.store(true, ordering: .relaxed)
            // The file that is written last.
            return FileManager.default.fileExists(atPath: copy + "/FORMAT")
        }
        try await eventually { node.maintenance.waitingCount == 2 || isClosed.load(ordering: .relaxed) }
        let isEarly = isClosed.load(ordering: .relaxed)
        #expect(!isEarly)
        gate.withLock { $0 = true }
        gate.broadcast()
        #expect(try await closing.value)
        try await backup.value
    }
}
