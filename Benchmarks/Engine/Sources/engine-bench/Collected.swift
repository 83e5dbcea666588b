import Spillway
import Synchronization

/// Records that come in pieces.
final class Collected: Sendable {
    private let state = Mutex<[Record]>([])

    var records: [Record] { state.withLock { $0 } }
    func append(_ records: [Record]) { state.withLock { $0 += records } }
}
