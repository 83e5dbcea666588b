import SpillwayCore

/// What a ``DeduplicatingInterceptor`` measures, by scope.
struct DeduplicationMetrics: Sendable {
    let duplicates: Counter
    let inProgress: Counter
    let full: Counter
    let refusedClaims: Counter
    let failures: Counter
    let entries: Meter
    let bytes: Meter
    let claims: Meter
    let evicted: Meter

    init(registry: MetricsRegistry, scope: String) throws {
        let labels = [("scope", scope)]
        func counter(_ name: String, _ help: String) throws -> Counter {
            try registry.counter("spillway_deduplicator_\(name)_total", help: help, labels: labels)
        }
        func meter(_ name: String, _ help: String) throws -> Meter {
            try registry.meter("spillway_deduplicator_\(name)", help: help, labels: labels)
        }
        duplicates = try counter("duplicates", "Records passed over because their event had been handled.")
        inProgress = try counter("in_progress", "Records put off because their event was being handled.")
        full = try counter("full", "Records put off because there was no room to remember their event.")
        refusedClaims = try counter(
            "refused_claims",
            "Completions refused: the handler outlasted its lease, and its event or its place was taken.")
        failures = try counter("failures", "Calls of the store that failed.")
        entries = try meter("entries", "Events that the store remembers, and claims.")
        bytes = try meter("bytes", "Bytes that they count for.")
        claims = try meter("claims", "Events that are being handled.")
        evicted = try meter("evicted_entries", "Events forgotten before their time since the store was opened.")
    }

    func show(_ figures: DeduplicatorFigures) {
        entries.set(figures.entries)
        bytes.set(figures.bytes)
        claims.set(figures.claims)
        evicted.set(figures.evicted)
    }
}
