import SpillwayCore
import Synchronization

/// What operators change while a consumer runs.
extension Consumer {
    /// The name of the consumer's settings in its store.
    public var settingsName: String { Self.settingsName(of: id) }

    /// The same for a consumer that is not here.
    package static func settingsName(of id: String) -> String { "consumer/\(id)" }

    /// What is set now, and the revision of it; 0 if nobody has set anything.
    public var settings: (settings: ConsumerSettings, revision: Int) {
        control.withLock { ($0.settings, $0.revision) }
    }

    /// Replaces the settings: checks them, stores them with who changed them and when, and goes over to them.
    ///
    /// Nothing is lost. Another processor or topic makes the consumer drain within `shutdownDrainTimeout` and begin again;
    /// everything else changes in place. Nothing that has been handled is handled again, but for the records of handlers
    /// that outlast that drain.
    ///
    /// - Parameters:
    ///   - author: who changes them, for the history.
    ///   - revision: the revision that the change was made from; `nil` is the present one.
    /// - Returns: the revision that now holds.
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid``, naming the field, or
    ///   ``SettingsError/Code/conflict``; nothing was changed then. What the store throws: the change may be stored or not
    ///   then. After a conflict or an error of the store the consumer goes over to what the store has, if that is newer
    ///   and can be read: make the change again from ``settings``.
    @discardableResult
    public func change(_ settings: ConsumerSettings, by author: String, after revision: Int? = nil) async throws -> Int
    {
        let effective = try effective(settings)
        try await checkTopic(effective.configuration.topic)
        try await checkSideQueue(effective.processor)
        let present = control.withLock { $0.revision }
        if let revision, revision != present {
            // Whoever has seen a greater one has seen it in the store.
            if revision > present { await catchUp(with: try? await settingsStore?.current(settingsName)) }
            throw SettingsError.conflict(settingsName, expected: revision, found: control.withLock { $0.revision })
        }
        var next = present + 1
        if let settingsStore { next = try await put(settings, by: author, after: present, in: settingsStore) }
        try await goOver(to: effective, settings, from: present, revision: next)
        logger.notice("settings changed", metadata: ["author": "\(author)", "revision": "\(next)"])
        return next
    }

    /// Stores settings, or takes over what the store has in their place.
    private func put(
        _ settings: ConsumerSettings, by author: String, after present: Int, in store: any SettingsStore
    ) async throws -> Int {
        let (value, atMs) = (settings.json(), timeSource.wallMilliseconds())
        do {
            return try await store.put(settingsName, value: value, author: author, atMs: atMs, after: present).revision
        } catch {
            let newest: SettingsEntry?
            do { newest = try await store.current(settingsName) } catch _ as SettingsError {
                // What can't be read can be replaced, by whoever knows its revision.
                if let revision = (error as? SettingsError)?.newestRevision { noteUnreadable(revision) }
                throw error
            } catch _ { throw error }
            let mine = SettingsEntry(
                name: settingsName, revision: present + 1, value: value, author: author, atMs: atMs)
            // Only the answer was lost.
            if newest == mine { return mine.revision }
            await catchUp(with: newest)
            throw error
        }
    }

    private func noteUnreadable(_ revision: Int) {
        control.withLock { $0.revision = max($0.revision, revision) }
    }

    /// Goes over to what the store has, if it is newer than what is known here.
    private func catchUp(with newest: SettingsEntry?) async {
        guard let newest else { return }
        let present = control.withLock { $0.revision }
        let settings = fitting(newest)
        guard newest.revision > present, let effective = try? effective(settings) else { return }
        try? await goOver(to: effective, settings, from: present, revision: newest.revision)
        logger.notice(
            "went over to the stored settings",
            metadata: ["author": "\(newest.author)", "revision": "\(newest.revision)"])
    }

    /// The changes of the settings, newest first, at most so many; none without a settings store.
    public func settingsHistory(limit: Int) async throws -> [SettingsEntry] {
        try await settingsStore?.history(settingsName, limit: limit) ?? []
    }

    /// Handles and fetches nothing until ``resume(by:)``, also over restarts where there is a settings store.
    public func pause(by author: String) async throws {
        try await edit(by: author) { $0.isPaused = true }
    }

    /// Goes on after a pause.
    public func resume(by author: String) async throws {
        try await edit(by: author) { $0.isPaused = nil }
    }

    /// Changes one thing, whatever somebody else changes at the same time.
    private func edit(by author: String, _ body: (inout ConsumerSettings) -> Void) async throws {
        var attempts = 0
        while true {
            let (present, revision) = settings
            var next = present
            body(&next)
            do {
                try await change(next, by: author, after: revision)
                return
            } catch let error as SettingsError where error.code == .conflict && attempts < Self.editAttempts {
                // What was faster shows in a moment, if it was here.
                attempts += 1
                await Task.yield()
            }
        }
    }

    private static let editAttempts = 100

    /// Goes on at another place, in the partitions that this consumer owns: what runs may end within
    /// `revocationDrainTimeout`, what waits is forgotten, and once the new place is committed, before or behind the present
    /// one, its records are handled. Those behind the present place are handled again.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid`` if the consumer isn't running, or ends or goes over
    ///   to another processor or topic just now, if it owns none of the partitions, if the handler keeps its own
    ///   positions, or if the broker can't find positions by time; `BrokerError`.
    public func seek(to target: SeekTarget, by author: String) async throws {
        let (_, effective) = try seekable()
        guard effective.processor.positionOwner == nil else {
            throw SettingsError(.invalid, "the handler of consumer \(id) keeps its own positions: change them there")
        }
        let positions = try await positions(of: target, topic: effective.configuration.topic)
        guard try seekable().run.state.withLock({ state in positions.keys.contains { state.engine.canSeek($0) } })
        else { throw ownsNone() }
        try await edit(by: author) { $0.lastSeek = target.description }
        var isTaken = false
        try seekable().run.step { engine, now in
            for (partition, position) in positions where engine.seek(partition, to: position, now: now) {
                isTaken = true
            }
        }
        if !isTaken { throw ownsNone() }
    }

    private func ownsNone() -> SettingsError {
        SettingsError(
            .invalid, "consumer \(id) owns none of the partitions just now: it goes on where it was, seek again later")
    }

    /// The run that can be told to go on elsewhere; one that drains goes nowhere.
    private func seekable() throws -> (run: ConsumerRun, effective: EffectiveConfiguration) {
        let present = control.withLock { control in
            control.isEnding || control.mustBeginAgain ? nil : (control.run, control.effective)
        }
        guard let run = present?.0, let effective = present?.1 else {
            throw SettingsError(.invalid, "consumer \(id) isn't running: it goes on where it was")
        }
        return (run, effective)
    }

    private func positions(of target: SeekTarget, topic: String) async throws -> [TopicPartition: Position] {
        let ends = try await broker.endPositions(of: topic)
        switch target {
        case .earliest: return try await begins(of: topic, ends)
        case .latest: return ends
        case .positions(let wanted):
            guard let unknown = wanted.keys.first(where: { number in !ends.keys.contains { $0.partition == number } })
            else {
                // Beyond the end would be to pass over records that are still to come.
                return try await begins(of: topic, ends).reduce(into: [:]) { positions, begin in
                    guard let position = wanted[begin.key.partition], let end = ends[begin.key] else { return }
                    positions[begin.key] = min(max(position, begin.value), end)
                }
            }
            throw BrokerError(.unknownPartition, "topic \(topic) has no partition \(unknown)")
        case .time(let ms):
            guard let administered = broker as? any GroupAdministration else {
                throw SettingsError(.invalid, "broker \(broker.source) can't find positions by time")
            }
            return try await administered.positions(of: topic, atOrAfterMs: ms)
        }
    }

    /// Where the log begins, as far as the broker can tell. What waits in the side queue goes on once the log has passed
    /// it, and of what retention has taken only this place says so.
    private func begins(
        of topic: String, _ ends: [TopicPartition: Position]
    ) async throws -> [TopicPartition: Position] {
        guard let administered = broker as? any GroupAdministration else { return ends.mapValues { _ in .start } }
        return try await administered.beginPositions(of: topic)
    }

    private func checkTopic(_ topic: String) async throws {
        let present = control.withLock { $0.effective?.configuration.topic } ?? configuration.topic
        if topic != present { try await ConsumerSettings.checkTopic(topic, at: broker) }
    }

    private func goOver(
        to effective: EffectiveConfiguration, _ settings: ConsumerSettings, from present: Int, revision: Int
    ) async throws {
        let (run, mustBeginAgain) = try control.withLock { control -> (ConsumerRun?, Bool) in
            guard control.revision == present else {
                // A start has read what the store has now, this change or a later one.
                if settingsStore != nil { return (nil, false) }
                throw SettingsError.conflict(settingsName, expected: present, found: control.revision)
            }
            control.settings = settings
            control.revision = revision
            let differs = control.effective.map { effective.differsInShape(from: $0) } ?? false
            if differs, control.run != nil { control.mustBeginAgain = true }
            control.effective = control.effective == nil ? nil : effective
            return (control.run, differs)
        }
        await control.withLock { $0.beforeApplying }?(revision)
        if mustBeginAgain { run?.beginShutdown() } else { run?.apply(effective, revision: revision) }
    }

    /// Settings that do not fit the program any more are left out, loudly, but for a pause.
    private func fitting(_ entry: SettingsEntry) -> ConsumerSettings {
        do {
            var settings = try ConsumerSettings(json: entry.value)
            settings.holdRates()
            _ = try effective(settings)
            return settings
        } catch {
            var settings = ConsumerSettings()
            if ConsumerSettings.isPaused(inUnfit: entry.value) { settings.isPaused = true }
            logger.error(
                settings.isPaused == true
                    ? "the stored settings don't fit and are left out, but for the pause: resume the consumer to end it"
                    : "the stored settings don't fit and are left out", metadata: ["error": "\(error)"])
            return settings
        }
    }

    /// Takes over what was set before this start.
    func loadSettings() async {
        guard let settingsStore else { return }
        var attempts = 0
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do {
                guard let entry = try await settingsStore.current(settingsName) else { return }
                let settings = fitting(entry)
                return control.withLock { control in
                    // A change may have come since.
                    guard entry.revision > control.revision else { return }
                    control.settings = settings
                    control.revision = entry.revision
                }
            } catch let error as SettingsError {
                logger.error(
                    "the stored settings can't be read and are left out, but for a pause that may be there: resume to end it",
                    metadata: ["error": "\(error)"])
                // What was read or set before holds on.
                return control.withLock { if $0.revision == 0 { $0.settings.isPaused = true } }
            } catch {
                attempts += 1
                logger.warning("the settings can't be read, which is tried again", metadata: ["error": "\(error)"])
                try? await timeSource.sleep(for: configuration.retry.backoff.delay(afterAttempts: attempts))
            }
        }
    }
}
