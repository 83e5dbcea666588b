/// Folds a batch by key in the order of arrival, flushes the aggregates, and gives each key's outcome to its records.
struct AggregateRun<Handler: AggregateHandler> {
    let handler: Handler
    let order: OrderMode

    private struct Fold {
        var key: [UInt8]
        var aggregate: Handler.Aggregate?
        var places: [Int] = []
    }

    func outcomes(of contexts: [HandlingContext]) async -> [RecordOutcome] {
        var outcomes = [RecordOutcome](repeating: .done, count: contexts.count)
        var folds: [Fold] = []
        var indexOfKey: [ArraySlice<UInt8>: Int] = [:]
        var blocked = BlockedLanes(order)
        for (place, context) in contexts.enumerated() {
            if let heldBack = blocked.outcome(of: context) {
                outcomes[place] = heldBack
                continue
            }
            do {
                let event = try handler.decode(context.record)
                let key = context.record.key ?? []
                let index = indexOfKey[key] ?? folds.count
                if index == folds.count {
                    indexOfKey[key] = index
                    folds.append(Fold(key: Array(key)))
                }
                handler.fold(event, into: &folds[index].aggregate)
                folds[index].places.append(place)
            } catch {
                outcomes[place] = RecordOutcome(thrown: decodingFailure(error))
                blocked.note(outcomes[place], of: context)
            }
        }
        let flushing = folds.filter { $0.aggregate != nil }
        guard !flushing.isEmpty else { return outcomes }
        let flushed = await flush(flushing)
        for (index, fold) in flushing.enumerated() {
            for place in fold.places { outcomes[place] = flushed[index] }
        }
        return outcomes
    }

    private func flush(_ folds: [Fold]) async -> [RecordOutcome] {
        let aggregates = folds.compactMap { fold in
            fold.aggregate.map { KeyedAggregate(key: fold.key, aggregate: $0, eventCount: fold.places.count) }
        }
        do {
            return try checkedOutcomes(try await handler.flush(aggregates), count: folds.count)
        } catch {
            return Array(repeating: RecordOutcome(thrown: error), count: folds.count)
        }
    }
}
