public import SpillwayCore

/// What can be asked for its statistics: one level of a cache under one name.
public protocol CacheMeasuring: Sendable {
    /// The name in the label `cache`.
    var name: String { get }

    /// What it has done so far and holds now.
    func statistics() -> CacheStatistics
}

extension LocalCache: CacheMeasuring {
    /// The configuration's name.
    public var name: String { configuration.name }
}

/// Shows caches in a metrics registry.
///
/// The caches count under the locks that they take anyway; a scrape reads them. Names and labels:
/// `spillway_cache_hits_total`, `…_misses_total`, `…_updates_total`, `…_evictions_total` by `cache`;
/// `spillway_cache_fills_total` by `cache` and `outcome` (accepted, revoked, older, placeholder, too_large);
/// `spillway_cache_entries`, `…_tombstones`, `…_bytes` by `cache`.
public enum CacheMetrics {
    /// Registers one cache; call it once for each.
    ///
    /// - Throws: `MetricsError` if a cache of that name is registered already.
    public static func register(_ cache: some CacheMeasuring, in registry: MetricsRegistry) throws {
        let labels = [("cache", cache.name)]
        for (name, help, field) in counters {
            try registry.counter(name, help: help, labels: labels) { Double(cache.statistics()[keyPath: field]) }
        }
        for (outcome, field) in outcomes {
            let labels = labels + [("outcome", outcome.name)]
            try registry.counter(
                "spillway_cache_fills_total", help: "Fills by what became of them", labels: labels
            ) { Double(cache.statistics()[keyPath: field]) }
        }
        for (name, help, field) in meters {
            try registry.meter(name, help: help, labels: labels) { Double(cache.statistics()[keyPath: field]) }
        }
    }

    private typealias Count = any KeyPath<CacheStatistics, UInt64> & Sendable

    private static var counters: [(String, String, Count)] {
        [
            ("spillway_cache_hits_total", "Lookups that found a value or a placeholder", \.hits),
            ("spillway_cache_misses_total", "Lookups that found nothing to serve", \.misses),
            ("spillway_cache_updates_total", "Changes that replaced a cached value", \.updates),
            ("spillway_cache_evictions_total", "Values evicted for room", \.evictions),
        ]
    }

    private static var outcomes: [(CacheFillOutcome, Count)] {
        [
            (.accepted, \.fills), (.revoked, \.refusedRevoked), (.older, \.refusedOlder),
            (.placeholder, \.refusedPlaceholder), (.tooLarge, \.refusedTooLarge),
        ]
    }

    private static var meters: [(String, String, any KeyPath<CacheStatistics, Int> & Sendable)] {
        [
            ("spillway_cache_entries", "Values and placeholders held", \.entries),
            ("spillway_cache_tombstones", "Versions that invalidations left behind", \.tombstones),
            ("spillway_cache_bytes", "Bytes in use, overhead included", \.bytes),
        ]
    }
}
