import Spillway
import Synchronization

extension DeduplicatorConformance {
    static let claimChecks: [(name: String, check: Check)] = [
        ("a handled event is a duplicate", { try await $0.handledIsDuplicate() }),
        ("an event in progress waits", { try await $0.inProgressWaits() }),
        ("a cancelled completion is made, or can be made again", { try await $0.cancelledCompletion() }),
        ("an abandoned event begins again", { try await $0.abandonedBeginsAgain() }),
        ("a claim ends once", { try await $0.claimsEndOnce() }),
        ("scopes never meet", { try await $0.scopesAreApart() }),
        ("many ids are answered in their order", { try await $0.manyIDs() }),
        ("a holder that is gone blocks until its lease passes", { try await $0.leasePasses() }),
        ("a late holder changes nothing", { try await $0.lateHolder() }),
        ("later claims have greater numbers", { try await $0.numbersGrow() }),
        ("of concurrent deliveries one takes effect", { try await $0.oneEffect() }),
        ("an effect that throws may come again", { try await $0.onceThatThrows() }),
        ("a restart keeps marks, forgets claims and goes on numbering them", { try await $0.restart() }),
    ]

    private func handledIsDuplicate() async throws {
        let store = try await subject().store
        try await store.handle(Self.id("a"))
        try await store.requireDuplicate(Self.id("a"), "a handled event")
        try await store.requireDuplicate(Self.id("a"), "asking changes nothing")
        _ = try await store.first(Self.id("b"), "another event")
    }

    private func inProgressWaits() async throws {
        let subject = try await subject()
        let claim = try await subject.store.first(Self.id("a"), "a new id")
        try await subject.store.requireInProgress(Self.id("a"), atMost: .seconds(10), "a claimed event")
        try await subject.pass(.seconds(4))
        try await subject.store.requireInProgress(Self.id("a"), atMost: .seconds(6), "a claimed event after 4 s")
        try require(try await subject.store.complete(claim), "the holder may complete")
        try await subject.store.requireDuplicate(Self.id("a"), "the event then")
    }

    private func abandonedBeginsAgain() async throws {
        let store = try await subject().store
        for _ in 0..<3 { await store.abandon(try await store.first(Self.id("a"), "an abandoned event")) }
        try await store.handle(Self.id("a"))
        try requireEqual(store.figures.claims, 0, "claims that are left")
    }

    private func claimsEndOnce() async throws {
        let store = try await subject().store
        let abandoned = try await store.first(Self.id("a"), "a new id")
        await store.abandon(abandoned)
        try require(try await !store.complete(abandoned), "an abandoned claim is not completed")
        let completed = try await store.first(Self.id("a"), "the id again")
        try requireEqual(try await store.complete([completed, completed]), [true, false], "one claim completed twice")
        try require(try await !store.complete(completed), "nor a third time")
        await store.abandon(completed)
        try await store.requireDuplicate(Self.id("a"), "a mark is not abandoned")
    }

    private func scopesAreApart() async throws {
        let store = try await subject().store
        try await store.handle(Self.id("a", scope: "one"))
        _ = try await store.first(Self.id("a", scope: "two"), "the same id in another scope")
        // The bytes of scope and id together are the same.
        try await store.handle(EventID(scope: [1], id: [2, 3]))
        _ = try await store.first(EventID(scope: [1, 2], id: [3]), "another cut of the same bytes")
        _ = try await store.first(EventID(scope: [], id: [1, 2, 3]), "the empty scope")
    }

    private func manyIDs() async throws {
        let store = try await subject().store
        try await store.handle(Self.id("a"))
        let held = try await store.first(Self.id("b"), "a new id")
        let answers = try await store.begin(["c", "a", "b", "d", "c"].map { Self.id($0) })
        let kinds = answers.map { answer in
            switch answer {
            case .first(let claim): "first \(String(decoding: claim.id.id, as: UTF8.self))"
            case .duplicate: "duplicate"
            case .inProgress: "in progress"
            case .full: "full"
            }
        }
        try requireEqual(kinds, ["first c", "duplicate", "in progress", "first d", "in progress"], "the answers")
        let claims = answers.compactMap { if case .first(let claim) = $0 { claim } else { nil } }
        try requireEqual(try await store.complete(claims + [held]), [true, true, true], "completing them")
        for text in ["a", "b", "c", "d"] { try await store.requireDuplicate(Self.id(text), "\(text) then") }
        try requireEqual(try await store.begin([]), [], "the answers to no question")
        try requireEqual(try await store.complete([]), [], "the completion of nothing")
    }

    private func leasePasses() async throws {
        let subject = try await subject()
        _ = try await subject.store.first(Self.id("a"), "a new id")
        try await subject.pass(.milliseconds(9_999))
        try await subject.store.requireInProgress(
            Self.id("a"), atMost: .milliseconds(1), "just before the lease passes")
        try await subject.pass(.milliseconds(1))
        try await subject.store.handle(Self.id("a"))
    }

    private func lateHolder() async throws {
        let subject = try await subject()
        let store = subject.store
        let late = try await store.first(Self.id("a"), "a new id")
        try await subject.pass(.seconds(10))
        let next = try await store.first(Self.id("a"), "the id after the lease")
        try require(try await !store.complete(late), "a claim that was taken over is not completed")
        await store.abandon(late)
        try await store.requireInProgress(Self.id("a"), atMost: .seconds(10), "the other's claim after that")
        try require(try await store.complete(next), "the other's claim holds")
        try require(try await !store.complete(late), "nor is the late one completed after the mark")
        await store.abandon(late)
        try await store.requireDuplicate(Self.id("a"), "the mark after that")
    }

    private func numbersGrow() async throws {
        let subject = try await subject()
        var last: UInt64?
        for round in 0..<6 {
            let claim = try await subject.store.first(Self.id("a"), "the id in round \(round)")
            try require(last.map { claim.number > $0 } ?? true, "the number of a later claim is greater")
            last = claim.number
            if round.isMultiple(of: 2) {
                await subject.store.abandon(claim)
            } else {
                try await subject.pass(.seconds(10))
            }
        }
    }

    private func oneEffect() async throws {
        let store = try await subject().store
        for round in 0..<20 {
            let effect = SingleEffect()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<32 {
                    group.addTask { try await effect.deliver(Self.id("event \(round)"), to: store) }
                }
                try await group.waitForAll()
            }
            try requireEqual(effect.total, 1, "the effects of 32 deliveries")
        }
    }

    private func onceThatThrows() async throws {
        struct Trouble: Error {}
        let store = try await subject().store
        for _ in 0..<2 {
            do {
                _ = try await store.once(Self.id("a")) { _ in throw Trouble() }
                throw ConformanceFailure("what the effect throws should be thrown")
            } catch is Trouble {}
        }
        try requireEqual(try await store.once(Self.id("a")) { _ in 7 }, 7, "what the effect returns")
        try requireEqual(try await store.once(Self.id("a")) { _ in 8 }, nil, "the second time")
    }

    private func cancelledCompletion() async throws {
        let store = try await subject().store
        for round in 0..<50 {
            let id = Self.id("event \(round)")
            let claim = try await store.first(id, "a new id")
            let isAccepted = await withTaskGroup(of: Bool?.self) { group in
                group.addTask { try? await store.complete(claim) }
                // Cancelled before it has begun, while it is under way, or after its end.
                for _ in 0..<round { await Task.yield() }
                group.cancelAll()
                return await group.next() ?? nil
            }
            try require(isAccepted != false, "a claim within its lease is not refused")
            // Whoever was told of a failure tries again; the first attempt may have been carried out all the same.
            if isAccepted == nil { _ = try await store.complete(claim) }
            try await store.requireDuplicate(id, "a completed event, cancelled after \(round) turns")
        }
    }

    private func restart() async throws {
        let subject = try await subject()
        guard let reopen = subject.reopen else { return }
        try await subject.store.handle(Self.id("a"))
        let lost = try await subject.store.first(Self.id("b"), "a new id")
        await subject.store.abandon(try await subject.store.first(Self.id("c"), "a new id"))
        try await subject.pass(.seconds(60))
        let store = try await reopen()
        try await store.requireDuplicate(Self.id("a"), "a mark from before the restart")
        // A store that keeps claims over a restart may not have collected the one whose lease has passed.
        let figures = store.figures
        try requireEqual(figures.entries - figures.claims, 1, "the marks after the restart")
        try requireEqual(
            figures.bytes, figures.entries * Self.id("a").byteCount, "the bytes after the restart, of ids as long")
        let taken = try await store.first(Self.id("b"), "an event whose holder went with the process")
        try require(taken.number > lost.number, "the number of a claim is greater than those of before the restart")
        let next = try await store.first(Self.id("c"), "an abandoned event")
        try require(next.number > taken.number, "the number of a claim is greater than that of the one before")
        try await subject.pass(.milliseconds(39_999))
        try await store.requireDuplicate(Self.id("a"), "the mark just before its life is over")
        try await subject.pass(.milliseconds(1))
        _ = try await store.first(Self.id("a"), "the event after that")
    }
}

/// Counts how often an event takes effect.
private final class SingleEffect: Sendable {
    private struct State {
        var running = 0
        var total = 0
    }

    private let state = Mutex(State())
    var total: Int { state.withLock { $0.total } }

    /// Delivers the event until it is handled, by this delivery or another.
    func deliver(_ id: EventID, to store: any Deduplicator) async throws {
        while true {
            do {
                _ = try await store.once(id) { _ in try await run() }
                return
            } catch let error as DeduplicatorError where error.code == .inProgress {
                await Task.yield()
            }
        }
    }

    private func run() async throws {
        let running = state.withLock { state in
            state.running += 1
            return state.running
        }
        try require(running == 1, "one delivery at a time is handled")
        await Task.yield()
        state.withLock { state in
            state.running -= 1
            state.total += 1
        }
    }
}
