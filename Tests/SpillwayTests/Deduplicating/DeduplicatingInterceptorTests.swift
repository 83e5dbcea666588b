import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// A deduplicator whose calls fail as they are told to.
final class FailingDeduplicator: Deduplicator {
    let store: InMemoryDeduplicator
    let beginFails = Mutex(false)
    let completeFails = Mutex(false)

    init(_ store: InMemoryDeduplicator) { self.store = store }

    var figures: DeduplicatorFigures { store.figures }

    func begin(_ ids: [EventID]) async throws -> [DeduplicationAnswer] {
        if beginFails.withLock({ $0 }) { throw DeduplicatorError(.failed, "told to") }
        return try await store.begin(ids)
    }

    func complete(_ claims: [EventClaim]) async throws -> [Bool] {
        if completeFails.withLock({ $0 }) { throw DeduplicatorError(.failed, "told to") }
        return try await store.complete(claims)
    }

    func abandon(_ claims: [EventClaim]) async { await store.abandon(claims) }
}

@Suite struct DeduplicatingInterceptorTests {
    final class Bench: Sendable {
        let time = ManualTimeSource()
        let store: FailingDeduplicator
        let interceptor: DeduplicatingInterceptor
        let registry = MetricsRegistry()
        let handled = Mutex<[String]>([])

        init(order: OrderMode = .key, limits: DeduplicatorLimits = DeduplicatorLimits()) throws {
            store = FailingDeduplicator(try InMemoryDeduplicator(limits: limits, timeSource: time))
            interceptor = try DeduplicatingInterceptor(
                store, scope: "g", order: order, metrics: registry, timeSource: time
            ) { record in record.headers.first { $0.name == "event-id" }?.value }
        }

        /// Handles records `key:id:value`; the outcome follows from the value.
        func run(_ records: String...) async -> String {
            let contexts = records.map { text in
                let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Array($0.utf8) }
                let record = Record(
                    key: parts[0].isEmpty ? nil : parts[0], value: parts[2], position: nil, timestampMs: 0,
                    headers: parts[1].isEmpty ? [] : [Header(name: "event-id", value: parts[1])])
                return HandlingContext(
                    record: record, partition: TopicPartition(source: "s", topic: "t", partition: 0))
            }
            let outcomes = await interceptor.handle(contexts) { contexts in
                contexts.map { context in
                    let value = String(decoding: context.record.value ?? [], as: UTF8.self)
                    handled.withLock { $0.append(value) }
                    if value.hasPrefix("retry") { return .retry(Trouble()) }
                    return value.hasPrefix("fail") ? .fail(Trouble()) : .done
                }
            }
            return outcomes.map { outcome in
                switch outcome {
                case .done: "done"
                case .retry(let error as DeduplicatorError): "retry \(error.code)"
                case .retry: "retry"
                case .fail: "fail"
                }
            }.joined(separator: ", ")
        }

        func takeHandled() -> [String] {
            handled.withLock { handled in
                defer { handled = [] }
                return handled
            }
        }

        func id(_ text: String) -> EventID { EventID(scope: Array("g".utf8), id: Array(text.utf8)) }

        func shows(_ line: String) -> Bool {
            String(decoding: registry.exposition(), as: UTF8.self).contains("spillway_deduplicator_\(line)")
        }
    }

    @Test func passesOverWhatWasHandled() async throws {
        let bench = try Bench()
        #expect(await bench.run("k:1:a") == "done")
        #expect(await bench.run("k:1:again", "k:2:b") == "done, done")
        #expect(bench.takeHandled() == ["a", "b"])
        #expect(bench.shows("duplicates_total{scope=\"g\"} 1"))
        #expect(bench.shows("entries{scope=\"g\"} 2") && bench.shows("claims{scope=\"g\"} 0"))
    }

    @Test func aRecordWithoutAnIDIsHandledAsEver() async throws {
        let bench = try Bench()
        #expect(await bench.run("k::a", "k::a") == "done, done")
        #expect(bench.takeHandled() == ["a", "a"] && bench.store.figures.entries == 0)
    }

    @Test func whatFailedComesAgainAndIsHandledAgain() async throws {
        let bench = try Bench()
        #expect(await bench.run("k:1:retry", "l:2:fail") == "retry, fail")
        #expect(bench.store.figures.entries == 0)
        #expect(await bench.run("k:1:a", "l:2:b") == "done, done")
        #expect(bench.takeHandled() == ["retry", "fail", "a", "b"])
    }

    @Test func theSameEventTwiceInABatchIsHandledOnce() async throws {
        let bench = try Bench()
        #expect(await bench.run("k:1:a", "l:1:b", "k:1:c") == "done, done, done")
        #expect(bench.takeHandled() == ["a"])
        #expect(bench.shows("duplicates_total{scope=\"g\"} 2"))
        // What isn't done takes its repeats along, and each is judged by itself.
        #expect(await bench.run("k:2:fail", "k:2:fail") == "fail, retry in-progress")
        #expect(bench.takeHandled() == ["fail"])
    }

    @Test func nothingBehindARepeatThatComesAgainIsMarked() async throws {
        let bench = try Bench()
        #expect(await bench.run("k:1:fail", "k:1:a", "k:2:b", "l:3:c") == "fail, retry in-progress, done, done")
        // The consumer handles what stands behind the repeat again, after it.
        #expect(await bench.run("k:1:a", "k:2:b", "l:3:c") == "done, done, done")
        #expect(bench.takeHandled() == ["fail", "b", "c", "a", "b"])
    }

    @Test func whatIsHandledElsewhereComesAgain() async throws {
        let bench = try Bench()
        guard case .first(let claim) = try await bench.store.begin(bench.id("1")) else { return check(false) }
        #expect(await bench.run("k:1:a", "k:2:b", "l:3:c", ":4:d") == "retry in-progress, retry held-back, done, done")
        // The record behind it was not handled, and its claim not kept.
        #expect(bench.takeHandled() == ["c", "d"] && bench.store.figures.claims == 1)
        #expect(bench.shows("in_progress_total{scope=\"g\"} 1"))
        _ = try await bench.store.complete(claim)
        #expect(await bench.run("k:1:a", "k:2:b") == "done, done")
        #expect(bench.takeHandled() == ["b"])
    }

    @Test func nothingBehindAFailedRecordOfItsKeyIsMarked() async throws {
        let bench = try Bench()
        // The consumer handles b again, after a.
        #expect(await bench.run("k:1:retry a", "k:2:b", "l:3:c") == "retry, done, done")
        #expect(await bench.run("k:1:a", "k:2:b", "l:3:c") == "done, done, done")
        #expect(bench.takeHandled() == ["retry a", "b", "c", "a", "b"])
        // A record that is given up is finished: nothing waits for it.
        #expect(await bench.run("k:4:fail", "k:5:e") == "fail, done")
        #expect(await bench.run("k:5:e") == "done")
        #expect(bench.takeHandled() == ["fail", "e"])
    }

    @Test func lanesAreWhatTheConsumerOrders() async throws {
        let byPartition = try Bench(order: .partition)
        #expect(await byPartition.run("k:1:retry a", "l:2:b") == "retry, done")
        #expect(byPartition.store.figures.entries == 0)
        let unordered = try Bench(order: .none)
        #expect(await unordered.run("k:1:retry a", "k:2:b") == "retry, done")
        #expect(unordered.store.figures.entries == 1)
    }

    @Test func whenTheStoreCanNotBeAskedNothingIsHandled() async throws {
        let bench = try Bench()
        bench.store.beginFails.withLock { $0 = true }
        #expect(await bench.run("k:1:a", "l::b") == "retry failed, done")
        #expect(bench.takeHandled() == ["b"])
        #expect(bench.shows("failures_total{scope=\"g\"} 1"))
    }

    @Test func whenTheMarkCanNotBeWrittenOnlyTheMarkIsTriedAgain() async throws {
        let bench = try Bench()
        bench.store.completeFails.withLock { $0 = true }
        #expect(await bench.run("k:1:a", "l:2:b") == "retry failed, retry failed")
        #expect(await bench.run("k:1:a") == "retry failed")
        bench.store.completeFails.withLock { $0 = false }
        // Also long after the lease, as nobody has taken the event.
        bench.time.advance(by: .seconds(500))
        #expect(await bench.run("k:1:a", "l:2:b") == "done, done")
        #expect(bench.takeHandled() == ["a", "b"])
        #expect(await bench.run("k:1:a", "l:2:b") == "done, done")
        #expect(bench.takeHandled() == [])
        #expect(bench.store.figures.entries == 2 && bench.store.figures.claims == 0)
    }

    @Test(arguments: [601, 3_600, 86_399]) func theMarkIsAllThatIsTriedAfterALongWaitToo(_ seconds: Int) async throws {
        let bench = try Bench()
        bench.store.completeFails.withLock { $0 = true }
        #expect(await bench.run("k:1:a") == "retry failed")
        bench.store.completeFails.withLock { $0 = false }
        bench.time.advance(by: .seconds(seconds))
        // Somebody else looks for what has expired.
        #expect(await bench.run("k:2:b") == "done")
        #expect(await bench.run("k:1:a") == "done")
        #expect(bench.takeHandled() == ["a", "b"])
    }

    @Test func aMarkIsWrittenUnderANewClaimWhenItsOwnWasDroppedToMakeRoom() async throws {
        var limits = DeduplicatorLimits()
        limits.maxEntries = 1
        let bench = try Bench(limits: limits)
        bench.store.completeFails.withLock { $0 = true }
        #expect(await bench.run("k:1:a") == "retry failed")
        bench.store.completeFails.withLock { $0 = false }
        bench.time.advance(by: limits.claimLease)
        // Another event takes the place of the claim, whose lease has passed.
        guard case .first(let other) = try await bench.store.begin(bench.id("2")) else { return check(false) }
        #expect(await bench.run("k:1:a") == "retry full")
        bench.store.beginFails.withLock { $0 = true }
        #expect(await bench.run("k:1:a") == "retry failed")
        bench.store.beginFails.withLock { $0 = false }
        await bench.store.abandon(other)
        #expect(await bench.run("k:1:a") == "done")
        #expect(bench.store.figures.entries == 1 && bench.store.figures.claims == 0)
        #expect(await bench.run("k:1:a") == "done")
        #expect(bench.takeHandled() == ["a"])
    }

    @Test func aFullStorePutsNewEventsOff() async throws {
        var limits = DeduplicatorLimits()
        limits.maxEntries = 1
        let bench = try Bench(limits: limits)
        #expect(await bench.run("k:1:a") == "done")
        #expect(await bench.run("k:2:b", "l:1:a") == "retry full, done")
        #expect(bench.shows("full_total{scope=\"g\"} 1"))
        bench.time.advance(by: limits.lifetime)
        #expect(await bench.run("k:2:b") == "done")
        #expect(bench.takeHandled() == ["a", "b"])
    }

    private static let context = HandlingContext(
        record: Record(
            key: [1], value: [], position: nil, timestampMs: 0,
            headers: [Header(name: "event-id", value: Array("1".utf8))]),
        partition: TopicPartition(source: "s", topic: "t", partition: 0))

    @Test func aHandlerThatOutlastsItsLeaseIsDoneAndCounted() async throws {
        let bench = try Bench()
        let outcomes = await bench.interceptor.handle([Self.context]) { _ in
            bench.time.advance(by: .seconds(300))
            _ = try? await bench.store.begin(bench.id("1"))
            return [.done]
        }
        guard case .done = outcomes[0] else { return check(false) }
        #expect(bench.shows("refused_claims_total{scope=\"g\"} 1"))
    }

    @Test func aHandlerThatOutlastsItsLeaseMarksWhatIsTakenOverAndGivenBack() async throws {
        let bench = try Bench()
        let outcomes = await bench.interceptor.handle([Self.context]) { _ in
            bench.time.advance(by: .seconds(300))
            if case .first(let late)? = try? await bench.store.begin(bench.id("1")) { await bench.store.abandon(late) }
            return [.done]
        }
        guard case .done = outcomes[0] else { return check(false) }
        #expect(try await bench.store.begin(bench.id("1")) == .duplicate)
    }

    @Test func outcomesThatAreMissingCountAsFailed() async throws {
        let bench = try Bench()
        let outcomes = await bench.interceptor.handle([Self.context]) { _ in [] }
        guard outcomes.count == 1, case .retry = outcomes[0] else { return check(false) }
        #expect(bench.store.figures.entries == 0)
    }

    @Test func anIDThatIsTooLongIsGivenUp() async throws {
        let bench = try Bench()
        #expect(await bench.run("k:\(String(repeating: "x", count: 1_025)):a", "k:1:b") == "fail, done")
        #expect(bench.takeHandled() == ["b"])
    }

    @Test func inAConsumerARepeatedMessageTakesEffectOnce() async throws {
        let broker = try await ConsumerTests.broker()
        let notebook = Notebook()
        for number in 0..<50 where number % 5 == 0 { notebook.state.withLock { $0.failuresLeft["\(number)"] = 2 } }
        let store = try InMemoryDeduplicator()
        // Two members, and every event three times, under keys of its own.
        func consumer(_ name: String) throws -> Consumer {
            try Consumer(
                id: name, broker: broker, configuration: ConsumerTests.configuration(),
                processor: .single(NotingHandler(notebook: notebook)),
                interceptors: [
                    try DeduplicatingInterceptor(store, scope: "g") {
                        $0.headers.first { $0.name == "event-id" }?.value
                    }
                ])
        }
        try await ConsumerTests.run(consumer("one")) {
            try await ConsumerTests.run(consumer("two")) {
                for copy in 0..<3 {
                    for number in 0..<50 {
                        let id = Header(name: "event-id", value: Array("\(number)".utf8))
                        _ = try await broker.send(
                            Message(
                                key: Array("\(number) \(copy)".utf8), value: Array("\(number)".utf8), headers: [id]),
                            to: "t")
                    }
                }
                try await eventually { (try? await ConsumerTests.committedAll(broker)) == true }
            }
        }
        #expect(notebook.values.count == 50 && Set(notebook.values).count == 50)
    }
}
