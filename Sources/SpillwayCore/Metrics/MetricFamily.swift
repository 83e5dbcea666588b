/// The kinds of metric; all series of a name are of one.
enum MetricKind: Equatable {
    case counter
    case meter
    case recorder(buckets: [Double])
    case timer(boundsInNanoseconds: [Int64])

    /// The type that Prometheus knows.
    var typeName: String {
        switch self {
        case .counter: "counter"
        case .meter: "gauge"
        case .recorder, .timer: "histogram"
        }
    }
}

/// All metrics of one name.
struct MetricFamily {
    /// What a metric's value comes from.
    enum Source {
        case counter(Counter)
        case readCounter(@Sendable () -> Double)
        case meter(Meter)
        case readMeter(@Sendable () -> Double)
        case recorder(Recorder)
        case timer(Timer)
    }

    /// One combination of label values.
    struct Series {
        var labels: [(String, String)]
        var source: Source
    }

    var name: String
    var kind: MetricKind
    var help: String
    var labelNames: [String]
    var series: [Series] = []
    /// Where a combination of label values stands in `series`.
    var index: [[String]: Int] = [:]
}
