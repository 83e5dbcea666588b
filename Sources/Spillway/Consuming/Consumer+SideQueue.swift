import SpillwayCore
import Synchronization

/// A processor that takes whole slices of a partition knows no keys, and takes nothing of the side queue.
extension Consumer {
    /// Refuses to go over to such a processor while records wait in the side queue: later ones of their keys would be
    /// handled before them.
    func checkSideQueue(_ processor: Processor) async throws {
        let present = try control.withLock { $0.effective }?.processor ?? effective(settings.settings).processor
        guard let failureStore, processor.isPartitionBatch, !present.isPartitionBatch else { return }
        let waiting = try await failureStore.sideCount(group: configuration.group).records
        guard waiting > 0 else { return }
        throw SettingsError(
            .invalid,
            "processor \(processor.name) takes nothing of the side queue, where \(waiting) records of group"
                + " \(configuration.group) wait: go over to it once they have been handled")
    }

    /// Says so if a run begins with such a processor all the same.
    func reportSideQueue(_ processor: Processor) async {
        guard let failureStore, processor.isPartitionBatch else { return }
        do {
            let waiting = try await failureStore.sideCount(group: configuration.group).records
            guard waiting > 0 else { return }
            logger.error(
                "records wait in the side queue, and the processor takes nothing of it: later ones are handled before them",
                metadata: ["processor": "\(processor.name)", "records": "\(waiting)"])
        } catch {
            logger.warning("what waits in the side queue can't be counted", metadata: ["error": "\(error)"])
        }
    }
}
