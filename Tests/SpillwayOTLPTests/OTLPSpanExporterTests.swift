import SpillwayCore
import SpillwayHTTP
import SpillwayOTLP
import Synchronization
import Testing

@Suite struct OTLPSpanExporterTests {
    private static let exported = "spillway_otlp_exported_spans_total"
    private static let failed = "spillway_otlp_failed_spans_total"
    private static let droppedFull = #"spillway_otlp_dropped_spans_total{reason="queue-full"}"#
    private static let droppedShutdown = #"spillway_otlp_dropped_spans_total{reason="shutdown"}"#

    private static func busy(_ status: HTTPStatus, retryAfter: Int? = nil) -> HTTPResponse {
        var response = HTTPResponse(status)
        if let retryAfter { response.fields.append(.retryAfter, "\(retryAfter)") }
        return response
    }

    @Test func spansArriveOnceWithTheHeadersThatTheCollectorAsksFor() async throws {
        let collector = TestCollector()
        let names = (0..<1_000).map { "span \($0)" }
        try await collector.export {
            $0.headers = [.init(name: "api-key", value: "s3cret")]
            $0.maxBatchSpans = 100
        } _: { exporter in
            end(names, on: exporter)
            try await eventually { collector.taken.count == 1_000 }
        }
        #expect(collector.taken == names)
        #expect(collector.requests.allSatisfy { !$0.isEmpty && $0.count <= 100 })
        #expect(collector.state.withLock { $0.headers }.allSatisfy { $0 == ["application/json", "s3cret"] })
        #expect(collector.metric(Self.exported) == 1_000 && collector.metric(Self.failed) == 0)
    }

    @Test func aFullBatchLeavesBeforeTheInterval() async throws {
        let collector = TestCollector()
        try await collector.export {
            $0.interval = .seconds(3_600)
            $0.maxBatchSpans = 10
        } _: { exporter in
            end((0..<10).map { "\($0)" }, on: exporter)
            try await eventually { collector.taken.count == 10 }
        }
    }

    @Test func requestsAreBoundedInBytes() async throws {
        let collector = TestCollector()
        try await collector.export {
            $0.interval = .seconds(3_600)
            $0.maxBatchBytes = 3_000
        } _: { exporter in
            end((0..<40).map { "\($0)" }, on: exporter)
        }
        #expect(collector.taken.count == 40)
        #expect(collector.requests.count >= 4 && collector.requests.allSatisfy { $0.count <= 9 })
    }

    @Test func aBusyCollectorIsAskedAgainWithTheSameSpans() async throws {
        let collector = TestCollector(answers: [Self.busy(.serviceUnavailable), Self.busy(HTTPStatus(rawValue: 429))])
        try await collector.export { _ in
        } _: { exporter in
            end(["a"], on: exporter)
            try await eventually { !collector.taken.isEmpty }
        }
        #expect(collector.requests == [["a"], ["a"], ["a"]] && collector.taken == ["a"])
        #expect(collector.metric(Self.exported) == 1 && collector.metric(Self.failed) == 0)
        #expect(collector.metric("spillway_otlp_retries_total") == 2)
    }

    @Test func aWaitThatTheCollectorAsksForIsKept() async throws {
        let collector = TestCollector(answers: [Self.busy(.serviceUnavailable, retryAfter: 1)])
        let start = ContinuousClock.now
        try await collector.export {
            $0.maxBackoff = .seconds(30)
        } _: { exporter in
            end(["a"], on: exporter)
            try await eventually { !collector.taken.isEmpty }
        }
        #expect(ContinuousClock.now - start >= .seconds(1), "the exporter's own wait is a millisecond")
    }

    @Test func whatTheCollectorRefusesIsNotSentAgain() async throws {
        let collector = TestCollector(answers: [Self.busy(.badRequest)])
        try await collector.export { _ in
        } _: { exporter in
            end(["bad"], on: exporter)
            try await eventually { collector.metric(Self.failed) == 1 }
            end(["good"], on: exporter)
            try await eventually { !collector.taken.isEmpty }
        }
        #expect(collector.requests == [["bad"], ["good"]])
        #expect(collector.metric(Self.exported) == 1)
    }

    @Test func aBatchIsGivenUpAfterItsLastAttempt() async throws {
        let collector = TestCollector(answers: Array(repeating: Self.busy(.serviceUnavailable), count: 3))
        try await collector.export {
            $0.maxAttempts = 3
        } _: { exporter in
            end(["a"], on: exporter)
            try await eventually { collector.metric(Self.failed) == 1 }
        }
        #expect(collector.requests.count == 3 && collector.taken.isEmpty)
    }

    @Test func aPartialSuccessIsCountedAndNotSentAgain() async throws {
        let body = #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#
        let collector = TestCollector(answers: [.json(Array(body.utf8))])
        try await collector.export { _ in
        } _: { exporter in
            end(["a"], on: exporter)
            try await eventually { collector.metric(Self.failed) == 1 }
        }
        #expect(collector.requests.count == 1 && collector.metric(Self.exported) == 0)
    }

    @Test func aCollectorThatHangsDelaysNoSpanAndAFullQueueDropsAndCounts() async throws {
        let collector = TestCollector()
        collector.hang()
        try await collector.export {
            $0.maxQueuedSpans = 50
            $0.maxBatchSpans = 1
            $0.timeout = .seconds(60)
        } _: { exporter in
            end(["first"], on: exporter)
            try await eventually { collector.requests.count == 1 }
            let start = ContinuousClock.now
            end((0..<10_000).map { "\($0)" }, on: exporter)
            #expect(ContinuousClock.now - start < .seconds(30), "no span waited for the collector")
            #expect(exporter.queuedSpans == 50)
            #expect(collector.metric(Self.droppedFull) == 9_950)
            collector.release()
            try await eventually { collector.taken.count == 51 }
        }
        #expect(collector.taken == ["first"] + (0..<50).map { "\($0)" }, "what waits is kept, what comes is dropped")
    }

    @Test func theQueueIsBoundedInBytes() async throws {
        let collector = TestCollector()
        let exporter = try collector.exporter("http://127.0.0.1:1") { $0.maxQueuedBytes = 10_000 }
        end((0..<1_000).map { "\($0)" }, on: exporter)
        #expect(exporter.queuedSpans > 10 && exporter.queuedSpans < 32)
        #expect(collector.metric(Self.droppedFull) == 1_000 - exporter.queuedSpans)
    }

    @Test func aRequestThatTakesTooLongIsSentAgain() async throws {
        let collector = TestCollector()
        collector.hang()
        try await collector.export {
            $0.timeout = .milliseconds(50)
            $0.maxAttempts = 100
        } _: { exporter in
            end(["a"], on: exporter)
            try await eventually { collector.requests.count == 2 }
            collector.release()
            try await eventually { collector.metric(Self.exported) == 1 }
        }
        #expect(Set(collector.taken) == ["a"])
    }

    @Test func gracefulShutdownSendsWhatWaits() async throws {
        let collector = TestCollector()
        try await collector.export {
            $0.interval = .seconds(3_600)
            $0.maxBatchSpans = 30
        } _: { exporter in
            end((0..<20).map { "\($0)" }, on: exporter)
            #expect(collector.requests.isEmpty)
        }
        #expect(collector.taken.count == 20)
    }

    @Test func shutdownDoesNotWaitForACollectorThatHangs() async throws {
        let collector = TestCollector()
        collector.hang()
        let start = ContinuousClock.now
        try await collector.export {
            $0.shutdownTimeout = .milliseconds(10)
            $0.maxBatchSpans = 1
            $0.timeout = .seconds(90)
        } _: { exporter in
            end(["on its way", "waits"], on: exporter)
            try await eventually { collector.requests.count == 1 }
        }
        #expect(ContinuousClock.now - start < .seconds(60))
        #expect(collector.metric(Self.exported) == 0)
        #expect(collector.metric(Self.droppedShutdown) == 2 && collector.metric(Self.failed) == 0)
    }

    @Test func shutdownDoesNotWaitOutALongBackoff() async throws {
        let collector = TestCollector(answers: [Self.busy(.serviceUnavailable, retryAfter: 600)])
        let start = ContinuousClock.now
        try await collector.export {
            $0.shutdownTimeout = .milliseconds(10)
            $0.maxBackoff = .seconds(600)
        } _: { exporter in
            end(["a"], on: exporter)
            try await eventually { collector.requests.count == 1 }
        }
        #expect(ContinuousClock.now - start < .seconds(60))
        #expect(collector.metric(Self.droppedShutdown) == 1)
    }

    @Test func cancellationDropsAndCounts() async throws {
        let collector = TestCollector()
        collector.hang()
        try await collector.run { url in
            let exporter = try collector.exporter(url) { $0.maxBatchSpans = 1 }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await #expect(throws: CancellationError.self) { try await exporter.run() } }
                end(["a", "b"], on: exporter)
                try? await eventually { collector.requests.count == 1 }
                group.cancelAll()
            }
            #expect(collector.metric(Self.droppedShutdown) == 2)
            end(["after the end"], on: exporter)
            #expect(collector.metric(Self.droppedShutdown) == 3 && exporter.queuedSpans == 0)
        }
    }

    @Test func aCollectorThatIsAwayIsTriedAgain() async throws {
        let collector = TestCollector()
        try await collector.run { url in
            // Nothing listens there: port 1 needs a privilege that no test has.
            let exporter = try collector.exporter("http://127.0.0.1:1") { $0.maxAttempts = 3 }
            let group = ServiceGroup(services: [exporter], logger: TestCollector.quiet)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                end(["a"], on: exporter)
                try await eventually { collector.metric(Self.failed) == 1 }
                group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            #expect(collector.metric("spillway_otlp_retries_total") == 2)
        }
    }

    @Test func anExporterRunsOnce() async throws {
        let collector = TestCollector()
        try await collector.export { exporter in
            end(["a"], on: exporter)
            try await eventually { !collector.taken.isEmpty }
            let error = await #expect(throws: OTLPError.self) { try await exporter.run() }
            #expect(error?.code == .alreadyRun)
        }
    }
}
