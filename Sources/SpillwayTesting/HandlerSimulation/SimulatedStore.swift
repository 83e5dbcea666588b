import SpillwayCore
import Synchronization

/// A store outside of the processes that a ``HandlerSimulation`` runs, such as a database: what is in it survives them.
///
/// Each call is one transaction. Around it other handlers go on, processes crash, and now and then the call fails: before
/// it took effect, or after, as when the answer of a database is lost.
public final class SimulatedStore<Content: Sendable>: Sendable {
    /// What a call throws that failed; whether it took effect is not known.
    public struct Unavailable: Error, CustomStringConvertible {
        /// Says so.
        public var description: String { "the simulated store did not answer" }
    }

    private let state: Mutex<Content>
    private let faults: SimulatedFaults
    private let timeSource: ManualTimeSource

    init(_ content: Content, faults: SimulatedFaults, timeSource: ManualTimeSource) {
        state = Mutex(content)
        self.faults = faults
        self.timeSource = timeSource
    }

    /// Reads and changes the content in one step; takes up to 4 ms of the simulation's time.
    ///
    /// - Throws: ``Unavailable``, and what the closure throws: then nothing has changed; `CancellationError`.
    public func update<Value: Sendable>(_ body: (inout Content) throws -> Value) async throws -> Value {
        try await timeSource.sleep(for: faults.delay())
        let fault = faults.next()
        if fault == .before { throw Unavailable() }
        let value = try state.withLock { content in
            var next = content
            let value = try body(&next)
            content = next
            return value
        }
        try await timeSource.sleep(for: faults.delay())
        if fault == .after { throw Unavailable() }
        return value
    }

    /// The content as it is; for checks after a run.
    public var content: Content { state.withLock { $0 } }
}
