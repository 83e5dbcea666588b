internal import CSpillwayRocksDB
internal import Synchronization

/// What RocksDB reports from its own threads: a flush or compaction that failed, and its recovery; and from any thread a
/// sync that failed, which is fatal.
///
/// RocksDB's listener holds it without counting; it is kept by the database, which closes RocksDB first.
final class DatabaseEvents: Sendable {
    private struct State {
        var failure: DatabaseError?
        var isOutOfSpace = false
        var failures = 0
    }

    private let state = Mutex(State())
    private let onFatal: @Sendable (String) -> Void

    init(onFatal: @escaping @Sendable (String) -> Void) { self.onFatal = onFatal }

    /// The failure that stops writes until RocksDB has recovered from it; `nil` is well.
    var failure: DatabaseError? { state.withLock { $0.failure } }
    /// Whether a flush or compaction has run out of space and has not recovered yet.
    var isOutOfSpace: Bool { state.withLock { $0.isOutOfSpace } }
    /// How often something failed.
    var failures: Int { state.withLock { $0.failures } }

    func report(_ status: (code: Int32, subcode: Int32, severity: Int32), _ message: String) {
        let code = DatabaseError.code(status: status.code, subcode: status.subcode)
        state.withLock { state in
            state.failures += 1
            if code == .noSpace { state.isOutOfSpace = true }
            // A soft error (1) leaves the database writable.
            if status.severity >= 2 { state.failure = DatabaseError(code, message) }
        }
    }

    func recovered() {
        state.withLock { state in
            state.failure = nil
            state.isOutOfSpace = false
        }
    }

    /// The context for the listener's callbacks.
    var context: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }

    /// Called by RocksDB's threads, between open and close only.
    static let callback:
        @convention(c) (
            UnsafeMutableRawPointer?, Int32, Int32, Int32, Int32, Int32, UnsafePointer<CChar>?
        ) -> Void = { context, kind, reason, code, subcode, severity, message in
            guard let context = unsafe context else { return }
            let events = unsafe Unmanaged<DatabaseEvents>.fromOpaque(context).takeUnretainedValue()
            let text = unsafe message.map { unsafe String(cString: $0) } ?? ""
            switch kind {
            case 1: events.recovered()
            case 2:
                events.onFatal("\(DatabaseError(DatabaseError.code(status: code, subcode: subcode), "sync: \(text)"))")
            default: events.report((code, subcode, severity), "in the background (reason \(reason)): \(text)")
            }
        }
}
