/// Decodes, prepares and handles a batch; records that can't be decoded get their outcome and leave it.
struct BatchRun<Handler: BatchHandler> {
    let handler: Handler
    let order: OrderMode

    func outcomes(of contexts: [HandlingContext]) async -> [RecordOutcome] {
        var outcomes = [RecordOutcome](repeating: .done, count: contexts.count)
        var items: [BatchItem<Handler.Event>] = []
        var places: [Int] = []
        items.reserveCapacity(contexts.count)
        places.reserveCapacity(contexts.count)
        var blocked = BlockedLanes(order)
        for (place, context) in contexts.enumerated() {
            if let heldBack = blocked.outcome(of: context) {
                outcomes[place] = heldBack
                continue
            }
            do {
                items.append(BatchItem(event: try handler.decode(context.record), context: context))
                places.append(place)
            } catch {
                outcomes[place] = RecordOutcome(thrown: decodingFailure(error))
                blocked.note(outcomes[place], of: context)
            }
        }
        guard !items.isEmpty else { return outcomes }
        let handled = await handle(items)
        for (index, place) in places.enumerated() { outcomes[place] = handled[index] }
        return outcomes
    }

    private func handle(_ items: [BatchItem<Handler.Event>]) async -> [RecordOutcome] {
        do {
            let prepared = try await handler.prepare(items.map(\.event))
            let outcomes = try await handler.handle(items, prepared: prepared)
            return try checkedOutcomes(outcomes, count: items.count)
        } catch {
            return Array(repeating: RecordOutcome(thrown: error), count: items.count)
        }
    }
}

/// Refuses an answer of the wrong length; nothing of it can be believed, so everything is tried again.
func checkedOutcomes(_ outcomes: [RecordOutcome], count: Int) throws -> [RecordOutcome] {
    guard outcomes.count == count else {
        throw HandlerError(
            .outcomeCountDiffers, "the handler answered \(outcomes.count) outcomes for \(count) items",
            isRetriable: true)
    }
    return outcomes
}
