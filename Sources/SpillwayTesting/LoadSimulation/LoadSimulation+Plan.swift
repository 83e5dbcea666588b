public import Spillway
import SpillwayCore

extension LoadSimulation {
    /// Records of some keys that arrive and are handled alike.
    ///
    /// Arrivals are a Poisson process: they don't wait for what came before. They, and how long each record is handled,
    /// depend on the seed and on this value only, so that a run with other traffic beside it can be compared record for
    /// record with one without.
    public struct Traffic: Sendable {
        /// Which records fail.
        public enum Failing: Hashable, Sendable {
            /// None.
            case never
            /// Each handling of each record, for ever.
            case always
            /// Each handling with this probability, 0 to below 1.
            case sometimes(Double)
        }

        /// What the report calls it; unique within a plan.
        public var name: String
        /// How many records arrive in a second, in the mean; above zero.
        public var recordsPerSecond: Double
        /// How many keys they have; at least 1.
        public var keys: Int
        /// How unlike the keys are: the nth has a share in proportion to `1 / n^skew` (Zipf's law). 0, the default, makes
        /// them alike.
        public var skew = 0.0
        /// How long a record is handled.
        public var handling: ServiceTime
        /// Which handlings fail; default none.
        public var failing = Failing.never

        /// Makes traffic whose keys are alike and that never fails.
        public init(_ name: String, recordsPerSecond: Double, keys: Int, handling: ServiceTime) {
            self.name = name
            self.recordsPerSecond = recordsPerSecond
            self.keys = keys
            self.handling = handling
        }
    }

    /// What happens.
    public struct Plan: Sendable {
        /// The consumer: its workers, limits, policies. The topic and group are only names, and a rate that others share
        /// (`globalRate`) is left out: `rate` stands for this consumer's part of it.
        public var consumer = ConsumerConfiguration(topic: "t", group: "g")
        /// What arrives; at least one.
        public var traffic: [Traffic]
        /// For how long records arrive; above zero.
        public var arrivals: Duration
        /// For how long it goes on after that at most, so that what has arrived can end; default a minute.
        public var settling: Duration = .seconds(60)
        /// Partitions, all of which the consumer owns; at least 1, the default.
        public var partitions = 1
        /// True, the default, if the consumer has a failure store.
        public var hasFailureStore = true
        /// How long a write to the failure store takes; default 1 to 3 ms.
        public var storeWrite = ServiceTime.even(.milliseconds(1) ... .milliseconds(3))
        /// How long a read of it takes; default 1 to 2 ms.
        public var storeRead = ServiceTime.even(.milliseconds(1) ... .milliseconds(2))
        /// How many records its side queue takes; default a million.
        public var storeLimit = 1_000_000
        /// How long a commit takes; default 1 to 5 ms.
        public var commit = ServiceTime.even(.milliseconds(1) ... .milliseconds(5))

        /// Makes a plan.
        public init(_ traffic: [Traffic], arrivals: Duration) {
            self.traffic = traffic
            self.arrivals = arrivals
        }

        /// How many records a second keep a share of some workers' time in use.
        ///
        /// - Parameter share: above zero; from 1 on the workers can't keep up.
        public static func recordsPerSecond(keeping workers: Int, busy share: Double, handling: ServiceTime) -> Double {
            Double(workers) * share / handling.mean.inSeconds
        }
    }
}
