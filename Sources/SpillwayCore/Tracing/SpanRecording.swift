import Synchronization

/// The state of a span that is recorded, until it ends.
final class SpanRecording: Sendable {
    struct State {
        var span: FinishedSpan
        var isEnded = false
    }

    private let state: Mutex<State>
    private let start: MonotonicInstant
    private let time: any TimeSource
    private let exporter: any SpanExporter

    init(_ span: FinishedSpan, start: MonotonicInstant, time: any TimeSource, exporter: any SpanExporter) {
        state = Mutex(State(span: span))
        self.start = start
        self.time = time
        self.exporter = exporter
    }

    var isEnded: Bool { state.withLock { $0.isEnded } }

    func read<Value: Sendable>(_ body: (FinishedSpan) -> Value) -> Value { state.withLock { body($0.span) } }

    /// Changes the span unless it has ended.
    func update(_ change: (inout FinishedSpan) -> Void) {
        state.withLock { state in
            if !state.isEnded { change(&state.span) }
        }
    }

    /// Nanoseconds since 1970, on the span's own time line: its start and what has passed since.
    var nowNanoseconds: Int64 {
        read { $0.startNanoseconds } + (time.now() - start).wholeNanoseconds
    }

    /// Ends the span and hands it over; from the second call on nothing happens.
    func end() {
        let duration = max(.zero, time.now() - start)
        let finished = state.withLock { state -> FinishedSpan? in
            if state.isEnded { return nil }
            state.isEnded = true
            state.span.duration = duration
            return state.span
        }
        if let finished { exporter.export([finished]) }
    }
}
