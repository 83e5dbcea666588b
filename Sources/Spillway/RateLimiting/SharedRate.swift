package import SpillwayCore

/// A token bucket that members share by demand: what ``LocalRateSource`` does, without clock and locks.
///
/// Tokens flow in at the rate, up to the burst, wherever they lie: in the pool, or in the account of a member that asked
/// for more than there was. What flows in while members wait is shared out to their accounts in whole credits, equally
/// and in turn, up to what each still wants; so a member that asks often gets no more than one that asks seldom. An
/// account goes back to the pool when its member has not asked for the life of a lease.
package struct SharedRate: Sendable {
    private struct Member: Sendable {
        /// Credits that are kept for it.
        var account = 0
        /// What it asked for last and did not get, the account included.
        var wanted = 0
        var askedAt: MonotonicInstant
        /// When it last got credits, by a count; the lowest is served first.
        var turn: UInt64 = 0
        /// Credits granted in the current and the last span of a lease's life.
        var granted = 0
        var grantedBefore = 0
        var spanStart: MonotonicInstant
    }

    package let leaseLife: Duration
    package let maxMembers: Int
    package private(set) var rate: Double
    package private(set) var burst: Double
    /// Tokens that nobody has been given; below one while members wait.
    private var pool: Double
    private var updated: MonotonicInstant
    private var members: [ExactName: Member] = [:]
    private var lastTurn: UInt64 = 0

    /// Makes a full bucket. The caller has checked: a rate above zero, a burst of 1 or more.
    package init(rate: Double, burst: Int, leaseLife: Duration, maxMembers: Int, now: MonotonicInstant) {
        precondition(rate > 0 && rate.isFinite && burst >= 1, "a rate above zero and a burst of 1 or more")
        precondition(leaseLife > .zero && maxMembers >= 1, "a lease that lives and room for a member")
        self.rate = rate
        self.burst = min(Double(burst), TokenBucket.maxBurst)
        self.leaseLife = leaseLife
        self.maxMembers = maxMembers
        pool = self.burst
        updated = now
    }

    /// How many members have asked within the life of a lease, as of the last call.
    package var memberCount: Int { members.count }

    /// Answers a member; `nil` if there are too many.
    package mutating func lease(_ count: Int, member: String, now: MonotonicInstant) -> RateLeaseGrant? {
        let name = ExactName(member)
        advance(to: now)
        if members[name] == nil {
            guard members.count < maxMembers else { return nil }
            members[name] = Member(askedAt: now, turn: lastTurn, spanStart: now)
        }
        var member = members[name] ?? Member(askedAt: now, spanStart: now)
        let granted = min(count, member.account + Int(pool))
        let fromAccount = min(granted, member.account)
        member.account -= fromAccount
        pool -= Double(granted - fromAccount)
        member.wanted = count - granted
        // It wants less than was kept for it.
        if member.account > member.wanted {
            pool += Double(member.account - member.wanted)
            member.account = member.wanted
        }
        member.granted += granted
        member.askedAt = max(member.askedAt, now)
        members[name] = member
        shareOut()
        let share = share(of: name)
        return RateLeaseGrant(
            count: granted, validFor: leaseLife, retryAfter: granted < count ? retry(count - granted, share) : nil,
            share: share)
    }

    /// Goes on with another rate and burst.
    package mutating func change(rate: Double, burst: Int, now: MonotonicInstant) {
        precondition(rate > 0 && rate.isFinite && burst >= 1, "a rate above zero and a burst of 1 or more")
        advance(to: now)
        self.rate = rate
        self.burst = min(Double(burst), TokenBucket.maxBurst)
        pool = max(0, min(pool, self.burst - Double(kept)))
    }

    /// Credits in accounts.
    private var kept: Int { members.values.reduce(0) { $0 + $1.account } }

    private mutating func advance(to now: MonotonicInstant) {
        guard now > updated else { return }
        let flowed = Double(now.nanoseconds - updated.nanoseconds) * rate / 1e9
        updated = now
        pool = max(pool, min(pool + flowed, burst - Double(kept)))
        for (name, member) in members {
            if now - member.askedAt >= leaseLife {
                pool += Double(member.account)
                members[name] = nil
            } else if now - member.spanStart >= leaseLife {
                members[name]?.grantedBefore = now - member.spanStart >= leaseLife * 2 ? 0 : member.granted
                members[name]?.granted = 0
                members[name]?.spanStart = now
            }
        }
        shareOut()
    }

    /// Gives whole credits of the pool to those who want more than they have, equally; the rest in turn.
    private mutating func shareOut() {
        guard pool >= 1 else { return }
        var waiting = members.filter { $0.value.wanted > $0.value.account }
            .sorted { ($0.value.turn, $0.key.text) < ($1.value.turn, $1.key.text) }.map(\.key)
        while pool >= 1, !waiting.isEmpty {
            let each = max(1, Int(pool) / waiting.count)
            for name in waiting where pool >= 1 {
                guard var member = members[name] else { continue }
                let given = min(each, member.wanted - member.account, Int(pool))
                lastTurn += 1
                member.account += given
                member.turn = lastTurn
                members[name] = member
                pool -= Double(given)
            }
            waiting = waiting.filter { name in members[name].map { $0.wanted > $0.account } ?? false }
        }
    }

    /// The member's share of the rate, by what each has used lately and still wants.
    private func share(of name: ExactName) -> Double {
        let names = Array(members.keys)
        let seconds = leaseLife.inSeconds
        let demands = names.map { name in
            members[name].map { (Double(max($0.granted, $0.grantedBefore)) + Double($0.wanted)) / seconds } ?? 0
        }
        let shares = maxMinShares(of: rate, demands: demands)
        return names.firstIndex(of: name).map { shares[$0] } ?? rate
    }

    /// When a tenth of a lease's worth, or what is missing, has flowed in for the member; well before it counts as gone.
    private func retry(_ missing: Int, _ share: Double) -> Duration {
        let worth = min(Double(missing), max(1, share * leaseLife.inSeconds / 10))
        let seconds = min(max(worth / share, 0.001), leaseLife.inSeconds / 2)
        return .nanoseconds(Int64(min((seconds * 1e9).rounded(.up), 9e18)))
    }
}
