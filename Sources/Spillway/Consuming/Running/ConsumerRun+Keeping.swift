import SpillwayCore
import Synchronization

extension ConsumerRun {
    /// Wakes the engine at its deadlines: retries, batches that close by time, commits, the ends of drains.
    func keepTime() async {
        while !Task.isCancelled {
            guard let deadline = state.withLock({ $0.timerDeadline }) else {
                await timerSignal.wait()
                continue
            }
            await sleep(until: deadline)
            let now = consumer.timeSource.now()
            guard deadline <= now else { continue }
            state.withLock { if $0.timerDeadline == deadline { $0.timerDeadline = nil } }
            step { engine, now in engine.tick(now: now) }
        }
    }

    /// Sleeps until the deadline or until an earlier one is set.
    private func sleep(until deadline: MonotonicInstant) async {
        let timeSource = consumer.timeSource
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await timeSource.sleep(until: deadline) }
            group.addTask { await self.timerSignal.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Sends commits, one set at a time, and closes the subscription once everything has drained.
    func commit() async {
        while !Task.isCancelled {
            let (commits, subscription, isDrained) = state.withLock { state in
                defer { state.commits = nil }
                return (state.commits, state.subscription, state.isDrained)
            }
            if let commits {
                let result = await send(commits, subscription)
                step { engine, now in engine.commitEnded(result, now: now) }
            } else if isDrained {
                await subscription?.close()
                return
            } else {
                await committerSignal.wait()
            }
        }
    }

    private func send(_ commits: [Commit], _ subscription: (any Subscription)?) async -> CommitResult {
        guard let subscription else { return .failed }
        do {
            try await subscription.commit(commits)
            return .stored
        } catch let error as BrokerError where error.code == .notOwner {
            return await sendOneByOne(commits, subscription)
        } catch {
            logFailure("a commit failed and is tried again", error)
            return .failed
        }
    }

    /// One of several was refused: finds out which.
    private func sendOneByOne(_ commits: [Commit], _ subscription: any Subscription) async -> CommitResult {
        var refused: Set<TopicPartition> = []
        for commit in commits {
            do {
                try await subscription.commit([commit])
            } catch let error as BrokerError where error.code == .notOwner {
                refused.insert(commit.partition)
            } catch {
                logFailure("a commit failed and is tried again", error)
                return .failed
            }
        }
        return .refused(refused)
    }

    /// Asks handlers that own their positions where to begin.
    func open() async {
        let backoff = retry.backoff
        var attempts = 0
        while !Task.isCancelled {
            let openings = state.withLock { state -> [EngineActions.Opening] in
                state.openings.removeAll { !state.engine.isOpening(epoch: $0.epoch) }
                return state.openings
            }
            guard !openings.isEmpty else {
                await openerSignal.wait()
                continue
            }
            do {
                let positions =
                    try await processor.positionOwner?.startPositions(for: openings.map(\.partition)) ?? [:]
                let held = try await heldKeys(of: openings)
                attempts = 0
                let wallMs = consumer.timeSource.wallMilliseconds()
                step { engine, now in
                    for (opening, keys) in zip(openings, held) {
                        engine.opened(
                            opening.partition, epoch: opening.epoch, at: positions[opening.partition],
                            held: keys.map { ($0, now + .milliseconds(max(0, $0.dueMs - wallMs))) }, now: now)
                    }
                }
            } catch {
                attempts += 1
                logFailure("where a partition begins could not be found out and is asked again", error)
                try? await consumer.timeSource.sleep(for: backoff.delay(afterAttempts: attempts))
            }
        }
    }

    /// Looks for handlers that do not return, measures lag and shows the engine's figures.
    func measure() async {
        var lag = LagTracker()
        var hotKeys = HotKeyWatch()
        while !Task.isCancelled {
            watchStuckRecords()
            watchHotKeys(&hotKeys)
            if let metrics { await measureLag(&lag, metrics) }
            try? await consumer.timeSource.sleep(for: configuration.lagInterval)
        }
    }

    private func measureLag(_ lag: inout LagTracker, _ metrics: ConsumerMetrics) async {
        let progress = state.withLock { $0.engine.progress }
        updateMetrics()
        let next = Dictionary(progress.map { ($0.partition, $0.next) }, uniquingKeysWith: { $1 })
        guard let counts = try? await consumer.broker.recordCounts(from: next, of: configuration.topic) else { return }
        let figures = lag.update(progress, counts: counts, wallMs: consumer.timeSource.wallMilliseconds())
        metrics.lagRecords.set(figures.records)
        metrics.lagSeconds.set(figures.seconds)
    }

    /// Names keys that take more than their share, and those that no longer do. What is hot between two looks alone is only
    /// counted.
    private func watchHotKeys(_ watch: inout HotKeyWatch) {
        let (heated, cooled) = watch.look(at: state.withLock { $0.engine.hotKeyFigures })
        for figures in heated {
            consumer.logger.info(
                "a key is hot: it has workers of its own",
                metadata: [
                    "key": "\(String(decoding: figures.key, as: UTF8.self))", "partition": "\(figures.partition)",
                    "share": "\(Int((figures.share * 100).rounded())) %",
                ])
        }
        for name in cooled {
            consumer.logger.info(
                "a key is no longer hot",
                metadata: ["key": "\(String(decoding: name.key, as: UTF8.self))", "partition": "\(name.partition)"])
        }
    }

    /// Names records whose handler neither returns nor fails.
    private func watchStuckRecords() {
        let limit = consumer.timeSource.now() - configuration.stuckAfter
        let stuck = state.withLock { $0.engine.stuckRecords(startedBefore: limit, most: 100) }
        metrics?.stuckRecords.set(stuck.count)
        guard let first = stuck.first else { return }
        let now = consumer.timeSource.now()
        guard let suppressed = state.withLock({ $0.stuckLogged.admit(now) }) else { return }
        consumer.logger.error(
            "a handler does not return; its record holds the commit back",
            metadata: [
                "partition": "\(first.partition)",
                "position": "\(first.position.map { "\($0.high)-\($0.low)" } ?? "none")",
                "key": "\(first.key.map { String(decoding: $0, as: UTF8.self) } ?? "none")",
                "seconds": "\((now - first.since).components.seconds)", "stuck": "\(stuck.count)",
                "suppressed": "\(suppressed)",
            ])
    }
}
