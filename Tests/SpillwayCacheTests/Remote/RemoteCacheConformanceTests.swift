import SpillwayTesting
import Testing

@Suite("The conformance of remote caches")
struct RemoteCacheConformanceTests {
    @Test("in memory", arguments: RemoteCacheCheck.allCases)
    func inMemory(check: RemoteCacheCheck) async throws {
        let conformance = RemoteCacheConformance<InMemoryRemoteCache> {
            let time = ManualTime()
            let cache = InMemoryRemoteCache(time: time)
            return .init(cache: cache, tombstoneLifetime: .seconds(60)) { time.advance(by: $0) }
        }
        try await conformance.run(check)
    }
}
