internal import Spillway
internal import SpillwayCore

/// Settings of a consumer, whether it is in this process or not.
protocol SettingsHolder: Sendable {
    /// What is set now, and the revision of it; 0 if nobody has set anything.
    func present() async throws -> (settings: ConsumerSettings, revision: Int)
    /// Replaces the settings; `nil` for the revision is the present one.
    func change(_ settings: ConsumerSettings, by author: String, after revision: Int?) async throws
    /// The changes, newest first, at most so many.
    func settingsHistory(limit: Int) async throws -> [SettingsEntry]
}

/// A consumer of this process.
struct LiveSettings: SettingsHolder {
    let consumer: Consumer

    func present() async throws -> (settings: ConsumerSettings, revision: Int) { consumer.settings }

    func change(_ settings: ConsumerSettings, by author: String, after revision: Int?) async throws {
        try await consumer.change(settings, by: author, after: revision)
    }

    func settingsHistory(limit: Int) async throws -> [SettingsEntry] {
        try await consumer.settingsHistory(limit: limit)
    }
}

/// A consumer that is in no process now, or in another one: what it finds when it starts.
///
/// Names, kinds and ranges are checked here; whether it has a processor of that name only it knows, and leaves out what
/// does not fit.
struct StoredSettings: SettingsHolder {
    let id: String
    let store: any SettingsStore
    let broker: any Broker
    let time: any TimeSource

    private var name: String { Consumer.settingsName(of: id) }

    func present() async throws -> (settings: ConsumerSettings, revision: Int) {
        guard let entry = try await store.current(name) else { return (ConsumerSettings(), 0) }
        return (try ConsumerSettings(json: entry.value), entry.revision)
    }

    func change(_ settings: ConsumerSettings, by author: String, after revision: Int?) async throws {
        try settings.validateRanges(of: id)
        if let topic = settings.topic { try await ConsumerSettings.checkTopic(topic, at: broker) }
        var last = revision
        if last == nil { last = try await present().revision }
        _ = try await store.put(
            name, value: settings.json(), author: author, atMs: time.wallMilliseconds(), after: last ?? 0)
    }

    func settingsHistory(limit: Int) async throws -> [SettingsEntry] { try await store.history(name, limit: limit) }
}
