import SpillwayCore
import Synchronization

/// What a shared rate lets go on.
extension ConsumerRun {
    /// Leases what the engine wants of the shared rate, one request at a time.
    func lease() async {
        guard let limit = configuration.globalRate else { return }
        let member = limit.member ?? consumer.memberName
        while !Task.isCancelled {
            guard let count = state.withLock({ $0.lease }) else {
                await leaseSignal.wait()
                continue
            }
            let grant = await self.grant(count, of: limit.source, to: member)
            state.withLock { $0.lease = nil }
            step { engine, now in engine.leaseEnded(grant, now: now) }
        }
    }

    private func grant(_ count: Int, of source: any RateSource, to member: String) async -> RateLeaseGrant? {
        do {
            return try await source.lease(count, member: member)
        } catch {
            logFailure("the shared rate could not be leased, and the last known share of it counts", error)
            return nil
        }
    }
}
