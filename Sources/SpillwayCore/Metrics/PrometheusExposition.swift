/// Writes Prometheus' text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
enum PrometheusExposition {
    /// Writes the families in the given order; a metric's series are sorted by their label values.
    static func write(_ families: [MetricFamily]) -> [UInt8] {
        var bytes: [UInt8] = []
        for family in families {
            bytes.append(contentsOf: "# HELP \(family.name) ".utf8)
            escape(family.help, quote: false, to: &bytes)
            bytes.append(contentsOf: "\n# TYPE \(family.name) \(family.kind.typeName)\n".utf8)
            let sorted = family.series.sorted {
                $0.labels.lazy.map(\.1).lexicographicallyPrecedes($1.labels.lazy.map(\.1))
            }
            for series in sorted { write(series, of: family.name, to: &bytes) }
        }
        return bytes
    }

    private static func write(_ series: MetricFamily.Series, of name: String, to bytes: inout [UInt8]) {
        switch series.source {
        case .counter(let counter): line(name, series.labels, "\(counter.value)", to: &bytes)
        case .meter(let meter): line(name, series.labels, text(meter.value), to: &bytes)
        case .readCounter(let read), .readMeter(let read): line(name, series.labels, text(read()), to: &bytes)
        case .recorder(let recorder): histogram(recorder.snapshot(), name, series.labels, to: &bytes)
        case .timer(let timer): histogram(timer.snapshot(), name, series.labels, to: &bytes)
        }
    }

    private static func histogram(
        _ snapshot: HistogramSnapshot, _ name: String, _ labels: [(String, String)], to bytes: inout [UInt8]
    ) {
        var total: Int64 = 0
        for (index, count) in snapshot.counts.enumerated() {
            total += count
            let bound = index < snapshot.bounds.count ? text(snapshot.bounds[index]) : "+Inf"
            line(name + "_bucket", labels + [("le", bound)], "\(total)", to: &bytes)
        }
        line(name + "_sum", labels, text(snapshot.sum), to: &bytes)
        line(name + "_count", labels, "\(total)", to: &bytes)
    }

    private static func line(
        _ name: String, _ labels: [(String, String)], _ value: String, to bytes: inout [UInt8]
    ) {
        bytes.append(contentsOf: name.utf8)
        for (index, (label, value)) in labels.enumerated() {
            bytes.append(UInt8(ascii: index == 0 ? "{" : ","))
            bytes.append(contentsOf: label.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            escape(value, quote: true, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        if !labels.isEmpty { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Escapes backslash and newline, and in label values the quote.
    private static func escape(_ text: String, quote: Bool, to bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where quote: bytes.append(contentsOf: "\\\"".utf8)
            default: bytes.append(byte)
            }
        }
    }

    /// A number as Go's `ParseFloat` reads it; whole ones without a fraction.
    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), value.magnitude < 1e15 { return "\(whole)" }
        return "\(value)"
    }
}
