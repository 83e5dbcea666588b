import Reactions
import SpillwayCore
import Testing

@Suite struct CacheMetricsTests {
    @Test func theMetricsTellHowOftenTheCachesHit() async throws {
        let registry = MetricsRegistry()
        try await ServiceHarness(registry: registry).run { service in
            let position = try await service.like("t", "me").position
            for _ in 0..<3 { _ = try await service.one("t", "you", after: [position]) }
        }
        let metrics = String(decoding: registry.exposition(), as: UTF8.self)
        for cache in ["counts", "callers"] {
            for name in ["hits_total", "misses_total", "entries", "bytes"] {
                let line = metrics.split(separator: "\n").first {
                    $0.hasPrefix("spillway_cache_\(name){cache=\"\(cache)\"} ")
                }
                #expect(line != nil && line?.hasSuffix(" 0") == false, "\(cache): \(name): \(line ?? "none")")
            }
        }
    }
}
