import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore
import SpillwayRocksDB
import Synchronization

/// Audits an open data directory: rows, counts and lists first, then the rows against the log as far as it is kept.
struct EmbeddedAudit {
    let node: EmbeddedNode

    init(_ node: EmbeddedNode) { self.node = node }

    func run(repair: Bool, report: @Sendable (String) -> Void) async throws -> AuditOutcome {
        var audit = ReactionAudit(node.store, repairs: repair)
        let rows = try audit.run()
        let log = Mutex(AuditReport())
        do {
            let starts = Dictionary(uniqueKeysWithValues: (0..<node.partitions).map { ($0, Position.start) })
            let checker = LogAudit(node.store)
            try await node.broker.replay(Reactions.ReactionsConfiguration().topic, from: starts) { batch in
                try log.withLock { try checker.check(batch, report: &$0) }
            }
        } catch let error as BrokerError where error.code == .unknownTopic {
            // Nothing was ever sent: a directory made by an import.
        }
        let findings = log.withLock { $0 }
        for finding in rows.findings + findings.findings { report(finding) }
        return AuditOutcome(
            targets: rows.targets, reactions: rows.reactions, drift: rows.drift + findings.drift,
            damaged: rows.damaged, isRepaired: rows.repaired > 0)
    }
}
