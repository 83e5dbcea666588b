import Reactions
import ReactionsRocksDB

/// Takes an import's rows into an open data directory.
actor EmbeddedImport: ImportSink {
    private let node: EmbeddedNode
    private let importer: ReactionImporter

    init(_ node: EmbeddedNode, targetTypes: [String], nowMs: Int64) {
        self.node = node
        importer = ReactionImporter(into: node.store, targetTypes: targetTypes) { nowMs }
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
        try await node.close()
    }
}
