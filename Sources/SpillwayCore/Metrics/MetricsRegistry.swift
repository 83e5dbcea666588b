import Synchronization

/// Makes metrics and writes them out for Prometheus.
///
/// Names follow one scheme, `spillway_<area>_<what>_<unit>`: letters, digits and `_`; counters, and only they, end in
/// `_total`; timers end in `_seconds`; `_bucket`, `_sum` and `_count` are kept for histograms. The same name with the
/// same label values returns the same handle, so that a handle is made once and kept; the same name with other label
/// names, kind, help or buckets throws ``MetricsError/Code/conflict``. One name has at most ``maximumSeries``
/// combinations of label values, so that what a client sends can't fill the memory.
public final class MetricsRegistry: Sendable {
    /// The media type of ``exposition()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// How many combinations of label values one name may have.
    public let maximumSeries: Int
    private let families = Mutex<[String: MetricFamily]>([:])

    /// Makes an empty registry.
    ///
    /// - Parameter maximumSeries: How many combinations of label values one name may have; at least 1, default 1,000.
    public init(maximumSeries: Int = 1_000) {
        precondition(maximumSeries >= 1, "a metric has at least one series")
        self.maximumSeries = maximumSeries
    }

    /// A count that only grows; its name ends in `_total`.
    ///
    /// - Throws: ``MetricsError``.
    public func counter(_ name: String, help: String, labels: [(String, String)] = []) throws -> Counter {
        try handle(name, .counter, help, labels, make: { .counter(Counter()) }) {
            guard case .counter(let counter) = $0 else { return nil }
            return counter
        }
    }

    /// A count that is kept elsewhere and read when scraped, on the scraping thread and under no lock.
    ///
    /// - Throws: ``MetricsError``; ``MetricsError/Code/alreadyRegistered`` if these labels are taken.
    public func counter(
        _ name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double
    ) throws {
        try self.read(name, .counter, help, labels, .readCounter(read))
    }

    /// A value that goes up and down.
    ///
    /// - Throws: ``MetricsError``.
    public func meter(_ name: String, help: String, labels: [(String, String)] = []) throws -> Meter {
        try handle(name, .meter, help, labels, make: { .meter(Meter()) }) {
            guard case .meter(let meter) = $0 else { return nil }
            return meter
        }
    }

    /// A value that is kept elsewhere and read when scraped, on the scraping thread and under no lock.
    ///
    /// - Throws: ``MetricsError``; ``MetricsError/Code/alreadyRegistered`` if these labels are taken.
    public func meter(
        _ name: String, help: String, labels: [(String, String)] = [], read: @escaping @Sendable () -> Double
    ) throws {
        try self.read(name, .meter, help, labels, .readMeter(read))
    }

    /// Values sorted into buckets, of which the inclusive upper bounds are given: 1 to 200, finite and ascending. A
    /// bucket without a bound follows.
    ///
    /// - Throws: ``MetricsError``.
    public func recorder(
        _ name: String, help: String, labels: [(String, String)] = [], buckets: [Double]
    ) throws -> Recorder {
        try Self.validate(buckets: buckets, of: name)
        return try handle(
            name, .recorder(buckets: buckets), help, labels, make: { .recorder(Recorder(buckets: buckets)) }
        ) {
            guard case .recorder(let recorder) = $0 else { return nil }
            return recorder
        }
    }

    /// Durations sorted into buckets, exposed in seconds; its name ends in `_seconds`. Of the buckets the inclusive
    /// upper bounds are given: 1 to 200, ascending. A bucket without a bound follows.
    ///
    /// - Throws: ``MetricsError``.
    public func timer(
        _ name: String, help: String, labels: [(String, String)] = [], buckets: [Duration] = Timer.defaultBuckets
    ) throws -> Timer {
        try Self.validate(buckets: buckets.map(\.inSeconds), of: name)
        let bounds = buckets.map(\.wholeNanoseconds)
        return try handle(
            name, .timer(boundsInNanoseconds: bounds), help, labels, make: { .timer(Timer(bounds: bounds)) }
        ) {
            guard case .timer(let timer) = $0 else { return nil }
            return timer
        }
    }

    /// All metrics in Prometheus' text format 0.0.4, sorted by name and labels.
    public func exposition() -> [UInt8] {
        let families = families.withLock { Array($0.values) }
        return PrometheusExposition.write(families.sorted { $0.name < $1.name })
    }
}

extension MetricsRegistry {
    /// Finds the metric or makes it; `existing` takes the handle out of a source, or returns nil if it is of another
    /// type.
    private func handle<Handle>(
        _ name: String, _ kind: MetricKind, _ help: String, _ labels: [(String, String)],
        make: () -> MetricFamily.Source, existing: (MetricFamily.Source) -> Handle?
    ) throws -> Handle {
        let source = try register(name, kind, help, labels, make: make, mayShare: true)
        guard let handle = existing(source) else { throw Self.conflict(name, "a value that is read when scraped") }
        return handle
    }

    private func read(
        _ name: String, _ kind: MetricKind, _ help: String, _ labels: [(String, String)], _ source: MetricFamily.Source
    ) throws {
        _ = try register(name, kind, help, labels, make: { source }, mayShare: false)
    }

    private func register(
        _ name: String, _ kind: MetricKind, _ help: String, _ labels: [(String, String)],
        make: () -> MetricFamily.Source, mayShare: Bool
    ) throws -> MetricFamily.Source {
        try MetricName.validate(name, kind: kind)
        try MetricName.validate(labels: labels, kind: kind)
        let labels = labels.sorted { $0.0 < $1.0 }
        let names = labels.map(\.0)
        let values = labels.map(\.1)
        return try families.withLock { families in
            var family = families[name] ?? MetricFamily(name: name, kind: kind, help: help, labelNames: names)
            guard family.kind == kind else { throw Self.conflict(name, "the kind \(family.kind)") }
            guard family.help == help else { throw Self.conflict(name, "the help '\(family.help)'") }
            guard family.labelNames == names else { throw Self.conflict(name, "the labels \(family.labelNames)") }
            if let index = family.index[values] {
                guard mayShare else {
                    throw MetricsError(.alreadyRegistered, "metric '\(name)' with the labels \(values) is read already")
                }
                return family.series[index].source
            }
            guard family.series.count < maximumSeries else {
                throw MetricsError(
                    .tooManySeries,
                    "metric '\(name)' has \(maximumSeries) combinations of labels; use labels with few values")
            }
            let source = make()
            family.index[values] = family.series.count
            family.series.append(MetricFamily.Series(labels: labels, source: source))
            families[name] = family
            return source
        }
    }

    private static func conflict(_ name: String, _ what: String) -> MetricsError {
        MetricsError(.conflict, "metric '\(name)' is registered already with \(what); register it alike everywhere")
    }

    private static func validate(buckets: [Double], of name: String) throws {
        guard (1...200).contains(buckets.count), buckets.allSatisfy(\.isFinite),
            zip(buckets, buckets.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw MetricsError(.invalidBuckets, "metric '\(name)': 1 to 200 finite, ascending bounds are allowed")
        }
    }
}
