import Spillway
import SpillwayCore

/// Runs the consumer engine in a world that a seed decides: processes crash at any step, partitions move, records
/// come twice or late, handlers are slow and fail, commits fail, operators pause and go back. Afterwards the world heals and everything ends.
///
/// Checked all the time: order per key, no two records of a key at once, none twice in one assignment, no commit past an unfinished record, what is
/// held and demanded is within the limits, no work goes on after a partition was given back. Checked at the end:
/// nothing is lost, no key starved beside keys that failed, every permit came back, everything is committed.
///
/// A run is the same for the same seed; a failure names it.
public struct EngineSimulation: Sendable {
    /// What a run did, so that a test can see that it was worth something.
    public struct Report: Sendable {
        /// Steps that were taken.
        public var steps = 0
        /// Records whose handling took effect, repeats included.
        public var effects = 0
        /// Processes that crashed.
        public var crashes = 0
        /// Partitions that moved.
        public var moves = 0
        /// Handlings that failed.
        public var failures = 0
        /// Records that went to the side queue because they failed.
        public var moved = 0
        /// Records that went to the dead letters.
        public var buried = 0
        /// Times a key became hot.
        public var heated = 0
        /// Times an operator went back in a partition.
        public var seeks = 0

        /// Makes a report of nothing.
        public init() {}
    }

    /// A guarantee that did not hold, and the seed that shows it.
    public struct Failure: Error, CustomStringConvertible {
        /// The seed.
        public let seed: UInt64
        /// What went wrong.
        public let reason: String
        /// The seed and what went wrong.
        public var description: String { "seed \(seed): \(reason)" }
    }

    let seed: UInt64
    let mutation: EngineMutation?

    /// Makes a simulation.
    ///
    /// - Parameter mutation: a bug to plant.
    public init(seed: UInt64, mutation: EngineMutation? = nil) {
        self.seed = seed
        self.mutation = mutation
    }

    /// Runs to the end.
    ///
    /// - Throws: ``Failure``.
    @discardableResult
    public func run() throws -> Report {
        var world = SimulationWorld(seed: seed, mutation: mutation)
        do {
            try world.run()
        } catch {
            throw Failure(seed: seed, reason: error.description)
        }
        return world.report
    }
}
