import Spillway

/// What a deduplicator must answer, worked out the simplest way; times in milliseconds.
struct DeduplicatorModel {
    private enum Entry: Equatable {
        case claimed(number: UInt64, untilMs: Int)
        case marked(untilMs: Int)
    }

    private var entries: [EventID: Entry] = [:]
    private(set) var nowMs = 0
    let lifetimeMs: Int
    let leaseMs: Int
    let maxEntries: Int

    init(lifetimeMs: Int, leaseMs: Int, maxEntries: Int) {
        self.lifetimeMs = lifetimeMs
        self.leaseMs = leaseMs
        self.maxEntries = maxEntries
    }

    mutating func pass(_ milliseconds: Int) { nowMs += milliseconds }

    /// Marks and claims that hold.
    private var live: Int {
        entries.values.count { entry in
            switch entry {
            case .claimed(_, let until), .marked(let until): until > nowMs
            }
        }
    }

    /// Takes an answer to `begin` in, or says why it is wrong.
    mutating func check(_ answer: DeduplicationAnswer, to id: EventID) throws {
        let entry = entries[id]
        switch answer {
        case .duplicate:
            guard case .marked(let until) = entry, until > nowMs else { throw wrong("a duplicate", id) }
        case .inProgress(let rest):
            guard case .claimed(_, let until) = entry, until > nowMs else { throw wrong("in progress", id) }
            try require(
                rest <= .milliseconds(until - nowMs), "the lease of \(id) ends in \(until - nowMs) ms, not \(rest)")
        case .first(let claim):
            switch entry {
            case .marked(let until) where until > nowMs: throw wrong("the first", id)
            case .claimed(_, let until) where until > nowMs: throw wrong("the first", id)
            case .claimed, .marked, nil: break
            }
            entries[id] = .claimed(number: claim.number, untilMs: nowMs + leaseMs)
            try require(live <= maxEntries, "\(live) entries hold, of \(maxEntries)")
        case .full:
            switch entry {
            case .marked(let until) where until > nowMs: throw wrong("full", id)
            case .claimed(_, let until) where until > nowMs: throw wrong("full", id)
            case .claimed, .marked, nil: break
            }
            try require(live >= maxEntries, "\(id) was answered with full, and \(live) entries hold of \(maxEntries)")
        }
    }

    /// Takes the answer to `complete` in, or says why it is wrong.
    mutating func check(completed isAccepted: Bool, _ claim: EventClaim) throws {
        let isOwn: Bool
        var holds = false
        if case .claimed(let number, let until) = entries[claim.id], number == claim.number {
            isOwn = true
            holds = until > nowMs
        } else {
            isOwn = false
        }
        try require(isAccepted || !holds, "claim \(claim.number) holds, and its completion was refused")
        try require(!isAccepted || isOwn, "claim \(claim.number) has ended, and its completion was accepted")
        // One whose lease has passed may be either.
        if isAccepted { entries[claim.id] = .marked(untilMs: nowMs + lifetimeMs) }
    }

    mutating func abandon(_ claim: EventClaim) {
        if case .claimed(let number, _) = entries[claim.id], number == claim.number { entries[claim.id] = nil }
    }

    private func wrong(_ answer: String, _ id: EventID) -> ConformanceFailure {
        let known = entries[id].map { "\($0)" } ?? "unknown"
        return ConformanceFailure("at \(nowMs) ms \(id) was answered as \(answer), and is \(known)")
    }
}
