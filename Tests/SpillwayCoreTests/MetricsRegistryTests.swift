import SpillwayCore
import Testing

@Suite struct MetricsRegistryTests {
    private let registry = MetricsRegistry()

    private func text(_ registry: MetricsRegistry) -> String { String(decoding: registry.exposition(), as: UTF8.self) }

    private func code(_ body: () throws -> Void) -> MetricsError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? MetricsError)?.code
        }
    }

    @Test func sameNameAndLabelsAreTheSameHandle() throws {
        let one = try registry.counter("a_total", help: "h", labels: [("x", "1"), ("y", "2")])
        let same = try registry.counter("a_total", help: "h", labels: [("y", "2"), ("x", "1")])
        let other = try registry.counter("a_total", help: "h", labels: [("x", "1"), ("y", "3")])
        #expect(one === same && one !== other)
        #expect(try registry.meter("m", help: "") === registry.meter("m", help: ""))
        #expect(try registry.timer("t_seconds", help: "") === registry.timer("t_seconds", help: ""))
        #expect(
            try registry.recorder("r", help: "", buckets: [1]) === registry.recorder("r", help: "", buckets: [1]))
    }

    @Test func refusesAnotherShapeOfTheSameName() throws {
        _ = try registry.counter("a_total", help: "h", labels: [("x", "1")])
        _ = try registry.recorder("r", help: "", labels: [("x", "1")], buckets: [1, 2])
        _ = try registry.timer("t_seconds", help: "")
        #expect(code { _ = try registry.counter("a_total", help: "other", labels: [("x", "1")]) } == .conflict)
        #expect(code { _ = try registry.counter("a_total", help: "h", labels: [("z", "1")]) } == .conflict)
        #expect(code { _ = try registry.counter("a_total", help: "h") } == .conflict)
        #expect(code { _ = try registry.counter("a_total", help: "h", labels: [("x", "1"), ("y", "")]) } == .conflict)
        #expect(code { _ = try registry.recorder("r", help: "", labels: [("x", "2")], buckets: [1, 3]) } == .conflict)
        #expect(code { _ = try registry.meter("r", help: "", labels: [("x", "1")]) } == .conflict)
        #expect(code { _ = try registry.recorder("t_seconds", help: "", buckets: [1]) } == .conflict)
        #expect(code { _ = try registry.timer("t_seconds", help: "", buckets: [.seconds(1)]) } == .conflict)
    }

    @Test func refusesTwoReadersOfOneSeries() throws {
        try registry.meter("m", help: "", labels: [("x", "1")], read: { 1 })
        try registry.meter("m", help: "", labels: [("x", "2")], read: { 2 })
        try registry.counter("c_total", help: "", read: { 3 })
        #expect(code { try registry.meter("m", help: "", labels: [("x", "1")], read: { 3 }) } == .alreadyRegistered)
        #expect(code { _ = try registry.meter("m", help: "", labels: [("x", "1")]) } == .conflict)
        #expect(code { _ = try registry.counter("c_total", help: "") } == .conflict)
        #expect(text(registry).contains("m{x=\"1\"} 1\nm{x=\"2\"} 2\n"))
    }

    @Test(arguments: ["", "1a", "a-b", "a b", "é", "a_bucket", "a_sum", "a_count", "a\n", "a_total"])
    func refusesNames(name: String) {
        #expect(code { _ = try registry.meter(name, help: "") } == .invalidName)
    }

    @Test func namesSayKindAndUnit() {
        #expect(code { _ = try registry.counter("votes", help: "") } == .invalidName)
        #expect(code { _ = try registry.timer("latency", help: "") } == .invalidName)
        #expect(code { _ = try registry.meter("a:b_9", help: "") } == nil)
    }

    @Test(arguments: ["", "1a", "a-b", "__a", "a:b", "le"])
    func refusesLabels(name: String) {
        #expect(code { _ = try registry.timer("t_seconds", help: "", labels: [(name, "v")]) } == .invalidLabel)
    }

    @Test func refusesLabelsThatComeTwice() {
        #expect(code { _ = try registry.meter("m", help: "", labels: [("a", "1"), ("a", "2")]) } == .invalidLabel)
        #expect(code { _ = try registry.meter("m", help: "", labels: [("le", "1")]) } == nil)
    }

    @Test(arguments: [[], [2, 1], [1, 1], [1, .infinity], [.nan]] as [[Double]])
    func refusesBuckets(buckets: [Double]) {
        #expect(code { _ = try registry.recorder("r", help: "", buckets: buckets) } == .invalidBuckets)
    }

    @Test func limitsTheSeriesOfAName() throws {
        let registry = MetricsRegistry(maximumSeries: 2)
        for value in ["1", "2"] { _ = try registry.counter("a_total", help: "", labels: [("x", value)]) }
        #expect(code { _ = try registry.counter("a_total", help: "", labels: [("x", "3")]) } == .tooManySeries)
        #expect(code { _ = try registry.counter("a_total", help: "", labels: [("x", "1")]) } == nil)
    }

    @Test func writesEveryKind() throws {
        let counter = try registry.counter("spillway_b_total", help: "counts", labels: [("route", "/v1")])
        counter.increment()
        counter.increment(by: 41)
        let meter = try registry.meter("spillway_a_bytes", help: "size")
        meter.set(2.5)
        meter.increment(by: 2)
        meter.decrement()
        let recorder = try registry.recorder(
            "spillway_c_records", help: "sizes", labels: [("k", "v")], buckets: [1, 2.5, 10])
        for value in [0, 1, 1.5, 2.5, 11, .nan] { recorder.record(value) }
        let timer = try registry.timer("spillway_d_seconds", help: "took", buckets: [.milliseconds(1), .seconds(1)])
        timer.record(.milliseconds(1))
        timer.recordNanoseconds(500_000_000)
        timer.recordNanoseconds(-5)
        timer.recordInterval(since: .zero, end: MonotonicInstant(nanoseconds: 2_000_000_000))
        #expect(
            text(registry) == """
                # HELP spillway_a_bytes size
                # TYPE spillway_a_bytes gauge
                spillway_a_bytes 3.5
                # HELP spillway_b_total counts
                # TYPE spillway_b_total counter
                spillway_b_total{route="/v1"} 42
                # HELP spillway_c_records sizes
                # TYPE spillway_c_records histogram
                spillway_c_records_bucket{k="v",le="1"} 2
                spillway_c_records_bucket{k="v",le="2.5"} 4
                spillway_c_records_bucket{k="v",le="10"} 4
                spillway_c_records_bucket{k="v",le="+Inf"} 5
                spillway_c_records_sum{k="v"} 16
                spillway_c_records_count{k="v"} 5
                # HELP spillway_d_seconds took
                # TYPE spillway_d_seconds histogram
                spillway_d_seconds_bucket{le="0.001"} 2
                spillway_d_seconds_bucket{le="1"} 3
                spillway_d_seconds_bucket{le="+Inf"} 4
                spillway_d_seconds_sum 2.501
                spillway_d_seconds_count 4

                """)
    }

    @Test func escapes() throws {
        _ = try registry.counter("a_total", help: "one\\\n\"two\"", labels: [("x", "a\\b\"c\nd é")])
        #expect(
            text(registry) == #"""
                # HELP a_total one\\\n"two"
                # TYPE a_total counter
                a_total{x="a\\b\"c\nd é"} 0

                """#)
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0, "0"), (-3, "-3"), (1e17, "1e+17"),
        (0.1, "0.1"), (1e-7, "1e-07"), (123_456_789, "123456789"),
    ])
    func writesNumbersAsGoReadsThem(value: Double, expected: String) throws {
        try registry.meter("m", help: "", read: { value })
        #expect(text(registry).hasSuffix("\nm \(expected)\n"))
    }

    @Test func readersRunUnderNoLock() throws {
        let registry = registry
        try registry.meter("m", help: "") {
            (try? registry.counter("made_while_scraped_total", help: ""))?.increment()
            return 1
        }
        #expect(text(registry).contains("m 1\n"))
        #expect(text(registry).contains("made_while_scraped_total 2\n") || text(registry).contains("_total 3\n"))
    }

    @Test func tellsOfTheProcess() throws {
        let before = Double(SystemTimeSource().wallMilliseconds()) / 1_000
        try registry.registerProcessMetrics()
        var values: [String: Double] = [:]
        for line in text(registry).split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            values[String(parts[0])] = Double(parts[1])
        }
        #expect(values["process_cpu_seconds_total"] ?? 0 > 0)
        #expect(values["process_resident_memory_bytes"] ?? 0 > 1_000_000)
        #expect(values["process_open_fds"] ?? 0 >= 3)
        #expect((before - 3_600...before + 1).contains(values["process_start_time_seconds"] ?? 0))
        #expect(code { try registry.registerProcessMetrics() } == .alreadyRegistered)
    }

    @Test func countsFromManyThreads() async throws {
        let registry = registry
        let counter = try registry.counter("a_total", help: "")
        let meter = try registry.meter("m", help: "")
        let recorder = try registry.recorder("r", help: "", buckets: [1])
        let timer = try registry.timer("t_seconds", help: "")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.increment()
                        meter.increment(by: 2)
                        meter.decrement()
                        recorder.record(0.5)
                        timer.recordNanoseconds(1_000)
                    }
                }
            }
        }
        let text = text(registry)
        #expect(counter.value == 40_000 && meter.value == 40_000)
        #expect(text.contains("r_sum 20000\nr_count 40000\n"))
        #expect(text.contains("t_seconds_sum 0.04\nt_seconds_count 40000\n"))
    }
}
