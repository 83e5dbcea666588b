import SpillwayCore
import Synchronization

extension ConsumerRun {
    /// Takes events from the broker until the subscription ends or the task is cancelled. A subscription that breaks
    /// is made again with backoff, for ever; what it held is handled again.
    func poll() async {
        let backoff = Backoff(base: .milliseconds(50), maximum: .seconds(5))
        var attempts = 0
        while !isEnding {
            if state.withLock({ $0.engine.isShuttingDown }) {
                // Partitions that came now would only be kept from other members until the last handler ends.
                await drainedSignal.wait()
                continue
            }
            do {
                let subscription = try await subscribe()
                attempts = 0
                try await take(from: subscription)
                return
            } catch {
                if Task.isCancelled { return }
                attempts += 1
                logFailure("the subscription failed and is made again", error)
                await breakOff()
                try? await consumer.timeSource.sleep(for: backoff.delay(afterAttempts: attempts))
            }
        }
    }

    private var isEnding: Bool { state.withLock { $0.isDrained || $0.isStopped } || Task.isCancelled }

    private func subscribe() async throws -> any Subscription {
        let subscription = try await consumer.broker.subscribe(
            SubscriptionRequest(
                topic: configuration.topic, group: configuration.group, member: consumer.id,
                start: configuration.start, holdsRetention: configuration.holdsRetention,
                fetchInterval: configuration.fetchInterval))
        state.withLock { $0.subscription = subscription }
        return subscription
    }

    private func take(from subscription: any Subscription) async throws {
        // A shutdown that came before there was a subscription to close.
        if isEnding { return }
        while true {
            // Whoever carries a seek out may do it while the next event is on its way here.
            let seeksDone = seeksDone.load(ordering: .acquiring)
            guard let event = try await subscription.next() else { return }
            switch event {
            case .assigned(let assignments):
                let ticket = step { engine, now in engine.assign(assignments, now: now) }
                // A pause is in force before the next event is asked for, so that nothing is fetched in vain.
                await performed(ticket)
            case .revoking(let partitions): step { engine, now in engine.revoke(partitions, now: now) }
            case .lost(let partitions): step { engine, now in engine.lose(partitions, now: now) }
            case .records(let batch):
                var isOfItsPlace = true
                let ticket = step { engine, now in
                    isOfItsPlace = engine.receive(batch, seeksDone: seeksDone, now: now)
                }
                if !isOfItsPlace {
                    // Else the next batch might be dropped for the same seek; it is waited for no longer than this one was.
                    await performed(ticket)
                    subscription.fetchNow()
                }
            }
        }
    }

    private func breakOff() async {
        metrics?.reconnects.increment()
        step { engine, _ in engine.disconnect() }
        let old = state.withLock { state -> (any Subscription)? in
            defer { state.subscription = nil }
            state.performedActions += state.outbox.count
            state.outbox = []
            return state.subscription
        }
        await old?.close()
    }

    /// Writes a warning, at most one in ten seconds.
    func logFailure(_ text: String, _ error: any Error) {
        let now = consumer.timeSource.now()
        guard let suppressed = state.withLock({ $0.failuresLogged.admit(now) }) else { return }
        consumer.logger.warning(
            Logger.Message(stringLiteral: text), metadata: ["error": "\(error)", "suppressed": "\(suppressed)"])
    }
}
