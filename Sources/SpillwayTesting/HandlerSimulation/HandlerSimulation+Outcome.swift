public import Spillway
public import SpillwayCore

extension HandlerSimulation {
    /// What lies around the processes of a run, and survives them.
    public struct Surroundings: Sendable {
        let faults: SimulatedFaults
        let manualTime: ManualTimeSource

        /// The run's clock: handlers that wait, wait for this one.
        public var timeSource: any TimeSource { manualTime }

        /// A store whose calls fail now and then.
        public func store<Content: Sendable>(_ content: Content) -> SimulatedStore<Content> {
            SimulatedStore(content, faults: faults, timeSource: manualTime)
        }
    }

    /// What happened to a message.
    public struct Delivery: Sendable {
        /// The message.
        public let message: Message
        /// The partition in which it stood.
        public let partition: TopicPartition
        /// Where it stood there.
        public let position: Position
        /// How often it was handed to a handler.
        public internal(set) var deliveries = 0
        /// How often a handler returned that it is done, or began behind it, if it keeps its own positions; at least 1
        /// unless it was given up.
        public internal(set) var acknowledgements = 0
        /// It went to the dead letters.
        public internal(set) var isGivenUp = false
    }

    /// What happened in a run.
    public struct Outcome: Sendable {
        /// Every message, by partition and in the log's order.
        public internal(set) var deliveries: [Delivery] = []
        /// Processes that crashed.
        public internal(set) var crashes = 0
        /// Partitions that moved to another process.
        public internal(set) var moves = 0
        /// Handlings that failed, those of the simulation's making included.
        public internal(set) var failures = 0
        /// Steps that were taken.
        public internal(set) var steps = 0

        /// Messages that were acknowledged.
        public var acknowledged: [Message] { deliveries.filter { $0.acknowledgements > 0 }.map(\.message) }
    }

    /// A guarantee that did not hold, the seed that shows it, and what happened before.
    public struct Failure: Error, CustomStringConvertible {
        /// The seed; the same one fails again, in the same way.
        public let seed: UInt64
        /// What went wrong.
        public let reason: String
        /// The last steps, the latest at the end.
        public let trace: [String]

        /// The seed, what went wrong, and the last steps.
        public var description: String {
            (["seed \(seed): \(reason)", "the last steps:"] + trace).joined(separator: "\n  ")
        }
    }
}
