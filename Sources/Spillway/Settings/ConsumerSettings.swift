import FoundationEssentials

/// What operators may change of a ``Consumer`` while it runs; what is `nil` is as the program configured it.
///
/// Pausing, rates, workers, limits and thresholds change in place, between two records. Another processor or topic makes
/// the consumer drain, commit, and begin again with the new one in the same process; nothing is lost, and nothing is
/// handled again that had been handled, but for the records of handlers that outlast `shutdownDrainTimeout`.
public struct ConsumerSettings: Codable, Hashable, Sendable {
    /// Handles nothing and fetches nothing while true. Survives restarts, also where nothing else of what is stored fits
    /// the program any more: the rest is left out then, and a consumer whose stored settings can't be read, or are no
    /// JSON object, is paused, since nobody can tell. ``Consumer/resume(by:)`` ends it.
    public var isPaused: Bool?
    /// The name of the processor that handles.
    public var processor: String?
    /// The topic that is read; the group's commits of the topic before are kept.
    public var topic: String?
    /// How many handlers run at a time; 1 to 4,096. With ``ConsumerConfiguration/adaptiveConcurrency`` it is the most, and
    /// holds its `minLimit` and its `initialLimit` down too.
    public var concurrency: Int?
    /// The most records of a batch; at least 1. Not for a processor that takes single records.
    public var maxBatchRecords: Int?
    /// The most bytes of a batch; at least 1.
    public var maxBatchBytes: Int?
    /// How long a batch waits to grow, in milliseconds; 0 to 3,600,000.
    public var maxBatchDelayMs: Int?
    /// Records a second; 0.001 to 10¹².
    public var recordsPerSecond: Double?
    /// Bytes a second; 0.001 to 10¹².
    public var bytesPerSecond: Double?
    /// The share of its window from which a key is hot; above 0 to 1. It cools at half of that.
    public var hotKeyShare: Double?
    /// Workers for hot keys; 1 to 4,096.
    public var hotKeyWorkers: Int?
    /// How often a record is handled in place; at least 1.
    public var maxAttempts: Int?
    /// The longest time from a record's end to its commit, in milliseconds; 1 to 600,000.
    public var commitIntervalMs: Int?
    /// How many records of a partition may lie between its lowest unfinished record and its newest one; at least 1.
    public var maxUncommittedRecords: Int?
    /// Where the consumer was last told to go on; set by ``Consumer/seek(to:by:)``, for the history.
    public var lastSeek: String?

    /// The names of those whose values are text, whatever they look like.
    package static let textNames: Set<String> = Set([CodingKeys.processor, .topic, .lastSeek].map(\.rawValue))

    /// Makes settings that change nothing.
    public init() {}

    /// Reads settings from their JSON, a flat object with names like `is_paused`.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid``, naming the field: one that is unknown, or of
    ///   another kind.
    public init(json: [UInt8]) throws {
        do {
            self = try JSONDecoder().decode(ConsumerSettings.self, from: Data(json))
        } catch let error as SettingsError {
            throw error
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw SettingsError(.invalid, field.isEmpty ? "settings are a JSON object" : "\(field) is of another kind")
        } catch {
            throw SettingsError(.invalid, "settings are a JSON object", cause: error)
        }
    }

    /// Reads settings.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid`` for a name that is no setting; `DecodingError` for
    ///   a value of another kind.
    public init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: Name.self).allKeys.map(\.stringValue)
        let unknown = names.filter { CodingKeys(stringValue: $0) == nil }.sorted()
        guard unknown.isEmpty else {
            throw SettingsError(.invalid, "there is no setting \(unknown.joined(separator: ", "))")
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        isPaused = try values.decodeIfPresent(Bool.self, forKey: .isPaused)
        processor = try values.decodeIfPresent(String.self, forKey: .processor)
        topic = try values.decodeIfPresent(String.self, forKey: .topic)
        concurrency = try values.decodeIfPresent(Int.self, forKey: .concurrency)
        maxBatchRecords = try values.decodeIfPresent(Int.self, forKey: .maxBatchRecords)
        maxBatchBytes = try values.decodeIfPresent(Int.self, forKey: .maxBatchBytes)
        maxBatchDelayMs = try values.decodeIfPresent(Int.self, forKey: .maxBatchDelayMs)
        recordsPerSecond = try values.decodeIfPresent(Double.self, forKey: .recordsPerSecond)
        bytesPerSecond = try values.decodeIfPresent(Double.self, forKey: .bytesPerSecond)
        hotKeyShare = try values.decodeIfPresent(Double.self, forKey: .hotKeyShare)
        hotKeyWorkers = try values.decodeIfPresent(Int.self, forKey: .hotKeyWorkers)
        maxAttempts = try values.decodeIfPresent(Int.self, forKey: .maxAttempts)
        commitIntervalMs = try values.decodeIfPresent(Int.self, forKey: .commitIntervalMs)
        maxUncommittedRecords = try values.decodeIfPresent(Int.self, forKey: .maxUncommittedRecords)
        lastSeek = try values.decodeIfPresent(String.self, forKey: .lastSeek)
    }

    /// The settings as JSON, with the fields in the order of their names.
    public func json() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(self) else { return Array("{}".utf8) }
        return Array(data)
    }

    /// Checks what can be checked without the program that the consumer is in: every range, but no processor's name.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid``, naming the field and its range.
    package func validateRanges(of consumer: String) throws {
        _ = try applied(to: ConsumerConfiguration(topic: topic ?? "any", group: consumer))
        _ = try applied(to: BatchLimits())
    }

    /// Checks that a topic is there; a consumer would have nothing to read without it.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid``; `BrokerError` if the broker can't say.
    package static func checkTopic(_ topic: String, at broker: any Broker) async throws {
        do {
            _ = try await broker.partitionCount(of: topic)
        } catch let error as BrokerError where error.code == .unknownTopic {
            throw SettingsError(.invalid, "topic \(topic) is not there: make it first", cause: error)
        }
    }

    /// The configuration with these settings in place of its own.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid``, naming the field and its range.
    func applied(to configuration: ConsumerConfiguration) throws -> ConsumerConfiguration {
        var changed = configuration
        changed.processor = processor ?? configuration.processor
        changed.topic = topic ?? configuration.topic
        if let concurrency {
            changed.concurrency = concurrency
            changed.adaptiveConcurrency?.hold(to: concurrency)
        }
        changed.rate.recordsPerSecond = recordsPerSecond ?? configuration.rate.recordsPerSecond
        changed.rate.bytesPerSecond = bytesPerSecond ?? configuration.rate.bytesPerSecond
        if let hotKeyShare {
            changed.hotKeys?.share = hotKeyShare
            changed.hotKeys?.coolShare = hotKeyShare / 2
        }
        if let hotKeyWorkers { changed.hotKeys?.workers = hotKeyWorkers }
        if let maxAttempts {
            try Self.require(maxAttempts >= 1, "max_attempts", "at least 1")
            changed.retry.maxAttempts = maxAttempts
        }
        if let commitIntervalMs {
            try Self.require((1...600_000).contains(commitIntervalMs), "commit_interval_ms", "1 to 600000")
            changed.commitInterval = .milliseconds(commitIntervalMs)
        }
        changed.maxUncommittedRecords = maxUncommittedRecords ?? configuration.maxUncommittedRecords
        do { try changed.validate() } catch let error as ConsumerError {
            throw SettingsError(.invalid, error.message, cause: error)
        }
        return changed
    }

    /// A processor's limits with these settings in place of its own.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid``, naming the field and its range.
    func applied(to limits: BatchLimits) throws -> BatchLimits {
        try Self.require(maxBatchRecords.map { $0 >= 1 } ?? true, "max_batch_records", "at least 1")
        try Self.require(maxBatchBytes.map { $0 >= 1 } ?? true, "max_batch_bytes", "at least 1")
        try Self.require(
            maxBatchDelayMs.map { (0...3_600_000).contains($0) } ?? true, "max_batch_delay_ms", "0 to 3600000")
        return BatchLimits(
            maxRecords: maxBatchRecords ?? limits.maxRecords, maxBytes: maxBatchBytes ?? limits.maxBytes,
            maxDelay: maxBatchDelayMs.map { .milliseconds($0) } ?? limits.maxDelay)
    }

    /// Holds rates that were stored under wider limits to those of now: a pause beside them must not be left out.
    mutating func holdRates() {
        func held(_ rate: Double) -> Double { min(max(rate, RateLimits.range.lowerBound), RateLimits.range.upperBound) }
        recordsPerSecond = recordsPerSecond.map(held)
        bytesPerSecond = bytesPerSecond.map(held)
    }

    /// Whether settings that this program can't use say that the consumer is paused.
    ///
    /// A pause that nobody wanted is seen as lag and ended by a call; what a consumer handles in spite of one can't be
    /// taken back. So it is paused in doubt too: if the field says anything but `false` or `null`, or if the settings
    /// are no JSON object.
    static func isPaused(inUnfit json: [UInt8]) -> Bool {
        guard let said = try? JSONDecoder().decode(UnfitPause.self, from: Data(json)) else { return true }
        return said.isPaused
    }

    /// The pause alone, of an object with whatever else.
    private struct UnfitPause: Decodable {
        let isPaused: Bool

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            guard values.contains(.isPaused), try !values.decodeNil(forKey: .isPaused) else {
                isPaused = false
                return
            }
            isPaused = (try? values.decode(Bool.self, forKey: .isPaused)) ?? true
        }
    }

    private static func require(_ holds: Bool, _ field: String, _ range: String) throws {
        guard holds else { throw SettingsError(.invalid, "\(field) must be \(range)") }
    }

    /// Any name of an object.
    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private enum CodingKeys: String, CodingKey {
        case isPaused = "is_paused"
        case processor
        case topic
        case concurrency
        case maxBatchRecords = "max_batch_records"
        case maxBatchBytes = "max_batch_bytes"
        case maxBatchDelayMs = "max_batch_delay_ms"
        case recordsPerSecond = "records_per_second"
        case bytesPerSecond = "bytes_per_second"
        case hotKeyShare = "hot_key_share"
        case hotKeyWorkers = "hot_key_workers"
        case maxAttempts = "max_attempts"
        case commitIntervalMs = "commit_interval_ms"
        case maxUncommittedRecords = "max_uncommitted_records"
        case lastSeek = "last_seek"
    }
}
