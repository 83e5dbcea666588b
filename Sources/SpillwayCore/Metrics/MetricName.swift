/// What names are allowed: those of Prometheus (https://prometheus.io/docs/concepts/data_model/), and its conventions
/// where breaking them would make names collide or mislead (https://prometheus.io/docs/practices/naming/).
enum MetricName {
    static func validate(_ name: String, kind: MetricKind) throws {
        guard !name.isEmpty, name.utf8.count <= 200, isIdentifier(name, colons: true) else {
            throw MetricsError(
                .invalidName, "metric name '\(name)': 1 to 200 of A-Z a-z 0-9 _ : are allowed, no digit first")
        }
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            throw MetricsError(.invalidName, "metric name '\(name)': '\(suffix)' is kept for histograms' own series")
        }
        guard name.hasSuffix("_total") == (kind == .counter) else {
            throw MetricsError(.invalidName, "metric name '\(name)': counters, and only they, end in '_total'")
        }
        if case .timer = kind, !name.hasSuffix("_seconds") {
            throw MetricsError(.invalidName, "metric name '\(name)': timers end in '_seconds', their unit")
        }
    }

    static func validate(labels: [(String, String)], kind: MetricKind) throws {
        for (index, (name, _)) in labels.enumerated() {
            guard !name.isEmpty, isIdentifier(name, colons: false), !name.hasPrefix("__") else {
                throw MetricsError(
                    .invalidLabel, "label '\(name)': A-Z a-z 0-9 _ are allowed, no digit and no '__' first")
            }
            guard kind.typeName != "histogram" || name != "le" else {
                throw MetricsError(.invalidLabel, "label 'le' is kept for the bounds of histograms")
            }
            guard !labels[..<index].contains(where: { $0.0 == name }) else {
                throw MetricsError(.invalidLabel, "label '\(name)' comes twice")
            }
        }
    }

    private static func isIdentifier(_ name: String, colons: Bool) -> Bool {
        for (index, byte) in name.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                continue
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > 0: continue
            case UInt8(ascii: ":") where colons: continue
            default: return false
            }
        }
        return true
    }
}
