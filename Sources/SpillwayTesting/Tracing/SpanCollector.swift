public import SpillwayCore
import Synchronization

/// Keeps the spans that have ended, for tests to look at. Unbounded.
public final class SpanCollector: SpanExporter {
    private let state = Mutex<[FinishedSpan]>([])

    /// Makes an empty collector.
    public init() {}

    /// The spans, in the order in which they ended.
    public var spans: [FinishedSpan] { state.withLock { $0 } }

    /// The spans of that name.
    public func spans(named name: String) -> [FinishedSpan] { spans.filter { $0.name == name } }

    /// Keeps spans.
    public func export(_ spans: [FinishedSpan]) { state.withLock { $0 += spans } }

    /// A tracer that records here, whose ids a seed decides.
    ///
    /// - Parameters:
    ///   - ratio: the share of new traces that are recorded; default all.
    ///   - seed: the same seed gives the same ids.
    ///   - time: the clocks.
    public func tracer(
        ratio: Double = 1, seed: UInt64 = 1, time: any TimeSource = SystemTimeSource()
    ) -> Tracer {
        let random = SharedRandom(seed: seed)
        return Tracer(exporter: self, sampler: TraceSampler(ratio: ratio), time: time) { random.next() }
    }

    /// Numbers of a seed for any thread.
    private final class SharedRandom: Sendable {
        private let random: Mutex<SeededRandom>

        init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }

        func next() -> UInt64 { random.withLock { $0.next() } }
    }
}
