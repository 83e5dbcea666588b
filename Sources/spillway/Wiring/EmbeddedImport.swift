import Reactions
import ReactionsRocksDB
import SpillwayCore

/// Takes an import's rows into an open data directory.
actor EmbeddedImport: ImportSink {
    private let node: EmbeddedNode
    private let importer: ReactionImporter

    init(_ node: EmbeddedNode, targetTypes: [String]) {
        self.node = node
        let time = SystemTimeSource()
        importer = ReactionImporter(into: node.store, targetTypes: targetTypes) { time.wallMilliseconds() }
    }

    func add(_ rows: [ImportedReaction]) async throws -> Int {
        let before = importer.changed
        for row in rows {
            try importer.add(
                ReactionsRocksDB.ImportedReaction(
                    userID: row.userID, targetID: row.targetID, targetType: row.targetType, reaction: row.reaction,
                    atMs: row.atMs))
        }
        try importer.write()
        return importer.changed - before
    }

    func finish() async throws {
        try importer.finish()
        // Counts changed beside the log: what was cached of them anywhere must not look newer.
        try await node.close(keepsEpoch: false)
    }
}
