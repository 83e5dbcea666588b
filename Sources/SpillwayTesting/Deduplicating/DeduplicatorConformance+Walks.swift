import Spillway

extension DeduplicatorConformance {
    static let walkChecks: [(name: String, check: Check)] = [
        ("random steps agree with a model", { try await $0.walkAll(maxEntries: 1_000) }),
        ("random steps in a small store agree with a model", { try await $0.walkAll(maxEntries: 6) }),
    ]

    private func walkAll(maxEntries: Int) async throws {
        for seed in walks {
            do { try await walk(seed: seed, maxEntries: maxEntries) } catch {
                throw ConformanceFailure("seed \(seed): \(error)")
            }
        }
    }

    private func walk(seed: UInt64, maxEntries: Int) async throws {
        var random = SeededRandom(seed: seed)
        var subject = try await subject(maxEntries: maxEntries)
        var model = DeduplicatorModel(lifetimeMs: 100_000, leaseMs: 10_000, maxEntries: maxEntries)
        var claims: [EventClaim] = []
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let ids = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    Self.id("\(Int.random(in: 0..<10, using: &random))", scope: random.chance(0.5) ? "one" : "two")
                }
                for (answer, id) in zip(try await subject.store.begin(ids), ids) {
                    try model.check(answer, to: id)
                    if case .first(let claim) = answer { claims.append(claim) }
                }
            case 5..<7:
                let some = Self.take(Int.random(in: 1...3, using: &random), from: &claims, using: &random)
                for (isAccepted, claim) in zip(try await subject.store.complete(some), some) {
                    try model.check(completed: isAccepted, claim)
                }
                // Now and then a claim is used again.
                if random.chance(0.2) { claims += some }
            case 7:
                let some = Self.take(1, from: &claims, using: &random)
                await subject.store.abandon(some)
                for claim in some { model.abandon(claim) }
            case 8:
                let milliseconds = Int.random(in: 1...(random.chance(0.2) ? 60_000 : 4_000), using: &random)
                try await subject.pass(.milliseconds(milliseconds))
                model.pass(milliseconds)
            default:
                guard random.chance(0.1), let reopen = subject.reopen else { continue }
                // A claim may end with its holder's process, or live on until its lease passes: wait until both have.
                try await subject.pass(.seconds(10))
                model.pass(10_000)
                claims = []
                subject.store = try await reopen()
            }
            let figures = subject.store.figures
            try require(figures.entries <= maxEntries, "entries stay within \(maxEntries), are \(figures.entries)")
        }
    }

    private static func take(
        _ count: Int, from claims: inout [EventClaim], using random: inout SeededRandom
    ) -> [EventClaim] {
        var taken: [EventClaim] = []
        while taken.count < count, !claims.isEmpty {
            taken.append(claims.remove(at: Int.random(in: claims.indices, using: &random)))
        }
        return taken
    }
}
