/// Takes spans that have ended, and brings them where they can be looked at.
public protocol SpanExporter: Sendable {
    /// Takes spans over. Called on the task or thread whose span ended, so it returns at once whatever the state of
    /// the exporter, and never throws: what it can't keep, it drops and counts.
    func export(_ spans: [FinishedSpan])
}
