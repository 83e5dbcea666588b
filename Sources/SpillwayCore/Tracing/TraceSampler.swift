/// Decides which traces are recorded.
///
/// Who continues a trace follows the one before: recorded there, recorded here. So is what begins a trace of its own
/// and links to a recorded span. Of all other new traces the share ``ratio`` is recorded, chosen by the trace's id, as
/// OpenTelemetry's consistent probability sampling has it (OTEP 235: the lowest 56 bits are the trace's randomness),
/// so that samplers of different programs agree on which.
public struct TraceSampler: Hashable, Sendable {
    /// The share of new traces that are recorded, 0 to 1.
    public let ratio: Double
    /// The trace's randomness is at least this if it is recorded; 2^56 records none.
    private let threshold: UInt64

    private static let bits = UInt64(1) << 56

    /// Makes a sampler.
    ///
    /// - Parameter ratio: the share of new traces that are recorded, 0 to 1; default 0: only traces that others record.
    public init(ratio: Double = 0) {
        precondition((0...1).contains(ratio), "a share is 0 to 1")
        self.ratio = ratio
        threshold = Self.bits - UInt64(ratio * Double(Self.bits))
    }

    /// True if no new trace is ever recorded, so that it needs no ids either.
    var neverBegins: Bool { threshold == Self.bits }

    /// Whether a new trace is recorded for its id's sake.
    func samples(_ traceID: TraceContext.TraceID) -> Bool { traceID.low & (Self.bits - 1) >= threshold }
}
