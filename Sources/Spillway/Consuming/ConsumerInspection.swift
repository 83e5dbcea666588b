import SpillwayCore
import Synchronization

/// How a consumer stands, for people who want to know why it is slow, or stopped.
public struct ConsumerInspection: Sendable, Codable, Equatable {
    /// An unfinished record.
    public struct UnfinishedRecord: Sendable, Codable, Equatable {
        /// Where it stands in its partition, as `high-low`; `nil` if it did not come through the log.
        public var position: String?
        /// The key as text, at most its first 128 bytes; `nil` without a key.
        public var key: String?
        /// How often it was handled.
        public var attempts: Int
        /// For how many seconds it has been here, or with its handler if it is running; of a partition's batch 0.
        public var forSeconds: Double
        /// Where it is.
        public var state: RecordState
    }

    /// A partition that the consumer owns.
    public struct Partition: Sendable, Codable, Equatable {
        /// Its number.
        public var partition: Int
        /// The position that would be committed now, as `high-low`.
        public var next: String
        /// How many positions lie between the lowest unfinished record and the newest one.
        public var window: Int
        /// How many records wait or are being handled.
        public var records: Int
        /// Nothing is fetched: an operator, or a limit, has paused it.
        public var isPaused: Bool
        /// What holds the commit back; `nil` if nothing does.
        public var blockedBy: UnfinishedRecord?
    }

    /// A key with many records here.
    public struct Lane: Sendable, Codable, Equatable {
        /// The partition's number.
        public var partition: Int
        /// The key as text, at most its first 128 bytes.
        public var key: String
        /// How many records of the key are here.
        public var records: Int
        /// It has workers of its own.
        public var isHot: Bool
        /// Where its first record is.
        public var state: RecordState
    }

    /// A key that takes more than its share.
    public struct HotKey: Sendable, Codable, Equatable {
        /// The partition's number.
        public var partition: Int
        /// The key as text, at most its first 128 bytes.
        public var key: String
        /// Its share of the records of the last window, 0 to 1.
        public var share: Double
        /// For how many seconds it has been hot.
        public var forSeconds: Double
    }

    /// The consumer's id.
    public var id: String
    /// Its group.
    public var group: String
    /// The topic that it reads.
    public var topic: String
    /// The processor that handles.
    public var processor: String
    /// False before `run()` and after it.
    public var isRunning: Bool
    /// An operator has paused it.
    public var isPaused: Bool
    /// Intake waits for records to finish.
    public var isIntakePaused: Bool
    /// The revision of its settings.
    public var settingsRevision: Int
    /// Records in the consumer.
    public var inFlightRecords: Int
    /// Bytes in the consumer.
    public var inFlightBytes: Int
    /// Records with handlers.
    public var runningRecords: Int
    /// Keys that wait in the side queue.
    public var heldKeys: Int
    /// The side queue or the dead letters have no room.
    public var isSideQueueFull: Bool
    /// How many failed records may be moved away before others succeed.
    public var moveTokens: Double
    /// The owned partitions.
    public var partitions: [Partition]
    /// The keys with the most records, at most twenty.
    public var longestLanes: [Lane]
    /// The hot keys.
    public var hotKeys: [HotKey]
}

extension Consumer {
    /// How the consumer stands; costs a walk over what is in flight.
    public func inspect() -> ConsumerInspection {
        let (run, effective, revision) = control.withLock { ($0.run, $0.effective, $0.revision) }
        let now = timeSource.now()
        let engine = run?.state.withLock { $0.engine.inspect(longest: 20) } ?? EngineInspection()
        func text(_ position: Position) -> String { "\(position.high)-\(position.low)" }
        func text(_ key: [UInt8]) -> String { String(decoding: key, as: UTF8.self) }
        func seconds(since instant: MonotonicInstant) -> Double {
            instant == .zero ? 0 : Double((now - instant).wholeNanoseconds) / 1e9
        }
        return ConsumerInspection(
            id: id, group: configuration.group, topic: effective?.configuration.topic ?? configuration.topic,
            processor: effective?.processor.name ?? configuration.processor ?? processors[0].name,
            isRunning: run != nil, isPaused: effective?.isPaused ?? false, isIntakePaused: engine.isIntakePaused,
            settingsRevision: revision, inFlightRecords: engine.inFlightRecords, inFlightBytes: engine.inFlightBytes,
            runningRecords: engine.runningRecords, heldKeys: engine.heldKeys, isSideQueueFull: engine.isSideQueueFull,
            moveTokens: engine.moveTokens,
            partitions: engine.partitions.map { state in
                ConsumerInspection.Partition(
                    partition: state.partition.partition, next: text(state.next), window: state.tracked,
                    records: state.held, isPaused: state.isPaused,
                    blockedBy: state.blocking.map {
                        ConsumerInspection.UnfinishedRecord(
                            position: $0.position.map(text), key: $0.key.map(text), attempts: $0.attempts,
                            forSeconds: seconds(since: $0.since), state: $0.state)
                    })
            },
            longestLanes: engine.lanes.map {
                ConsumerInspection.Lane(
                    partition: $0.partition.partition, key: text($0.key), records: $0.records, isHot: $0.isHot,
                    state: $0.state)
            },
            hotKeys: engine.hotKeys.map {
                ConsumerInspection.HotKey(
                    partition: $0.partition.partition, key: text($0.key), share: $0.share,
                    forSeconds: seconds(since: $0.since))
            })
    }
}
