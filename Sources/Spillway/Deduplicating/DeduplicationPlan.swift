/// What is done with each record of a list that a ``DeduplicatingInterceptor`` was given; no I/O.
///
/// Records of one lane (a key, or a partition) keep their order also here: the consumer handles the records behind
/// one that isn't finished again, after it. So nothing behind one that has to wait is handled, and nothing behind one
/// that failed is marked: it would be passed over when it comes again, and its effect would stay before the other's.
struct DeduplicationPlan: Sendable {
    enum Step: Sendable {
        /// Handled, under a claim or without one.
        case handle(EventClaim?)
        /// Handled by an earlier call that could not write the mark: only that is missing.
        case mark(EventClaim)
        /// Was handled before.
        case passOver
        /// The same event as an earlier record of the list.
        case repeats(Int)
        /// Comes again later.
        case putOff(any Error)
        /// Can't ever be handled.
        case refuse(any Error)
    }

    /// What follows from the outcomes of those that were handled.
    struct Conclusion: Sendable {
        /// One for each record; those to be marked and those that repeat others count on the marks.
        var outcomes: [RecordOutcome]
        /// Records whose events took effect, with their claims.
        var marks: [(place: Int, claim: EventClaim)] = []
        /// Claims whose events are to be handled again.
        var abandoned: [EventClaim] = []
    }

    private(set) var steps: [Step]
    private let lanes: [OrderLane?]

    init(_ steps: [Step], of records: [HandlingContext], order: OrderMode) {
        self.steps = steps
        lanes = records.map { OrderLane($0, order: order) }
    }

    /// Puts off what stands behind something that is put off, and returns the claims that it had.
    mutating func holdBack() -> [EventClaim] {
        var blocked: Set<OrderLane> = []
        var claims: [EventClaim] = []
        for (place, step) in steps.enumerated() {
            guard let lane = lanes[place] else { continue }
            switch step {
            case .putOff: blocked.insert(lane)
            case .handle(let claim) where blocked.contains(lane):
                if let claim { claims.append(claim) }
                steps[place] = .putOff(DeduplicatorError(.heldBack, "an earlier record of the key comes first"))
            case .handle, .mark, .passOver, .repeats, .refuse: break
            }
        }
        return claims
    }

    /// The places of the records that are to be handled.
    var handled: [Int] {
        steps.indices.filter { if case .handle = steps[$0] { true } else { false } }
    }

    /// Judges what the handler answered.
    ///
    /// - Parameter handledOutcomes: in the order of ``handled``; missing ones count as failed.
    func conclude(_ handledOutcomes: [RecordOutcome]) -> Conclusion {
        var conclusion = Conclusion(outcomes: [])
        conclusion.outcomes.reserveCapacity(steps.count)
        var blocked: Set<OrderLane> = []
        var answers = handledOutcomes.makeIterator()
        for (place, step) in steps.enumerated() {
            let outcome: RecordOutcome
            switch step {
            case .passOver: outcome = .done
            case .repeats(let first):
                // What comes again holds up its lane, as any other: nothing behind it is marked.
                outcome = conclusion.outcomes[first].isDone ? .done : Self.comesAgain
            case .putOff(let error): outcome = .retry(error)
            case .refuse(let error): outcome = .fail(error)
            case .mark(let claim):
                outcome = .done
                conclusion.marks.append((place, claim))
            case .handle(let claim):
                outcome = answers.next() ?? .retry(Self.missingOutcome)
                if let claim {
                    if outcome.isDone, !isIn(blocked, place) {
                        conclusion.marks.append((place, claim))
                    } else {
                        conclusion.abandoned.append(claim)
                    }
                }
            }
            if case .retry = outcome, let lane = lanes[place] { blocked.insert(lane) }
            conclusion.outcomes.append(outcome)
        }
        return conclusion
    }

    /// Lets records that repeat others come again, and be judged by themselves, if those could not be marked. Returns how
    /// many are done.
    func settleRepeats(_ outcomes: inout [RecordOutcome]) -> Int {
        var done = 0
        for (place, step) in steps.enumerated() {
            guard case .repeats(let first) = step else { continue }
            if outcomes[first].isDone {
                done += 1
            } else {
                outcomes[place] = Self.comesAgain
            }
        }
        return done
    }

    private func isIn(_ blocked: Set<OrderLane>, _ place: Int) -> Bool {
        guard let lane = lanes[place] else { return false }
        return blocked.contains(lane)
    }

    private static var comesAgain: RecordOutcome {
        .retry(DeduplicatorError(.inProgress, "the same event came before and is not done"))
    }

    private static var missingOutcome: HandlerError {
        HandlerError(.outcomeCountDiffers, "the handler answered too few outcomes", isRetriable: true)
    }
}

extension RecordOutcome {
    var isDone: Bool {
        switch self {
        case .done: true
        case .retry, .fail: false
        }
    }
}
