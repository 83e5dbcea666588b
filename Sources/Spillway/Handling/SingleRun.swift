/// Decodes and handles records one after the other.
struct SingleRun<Handler: SingleHandler> {
    let handler: Handler

    func outcomes(of items: [HandlingContext]) async -> [RecordOutcome] {
        var outcomes: [RecordOutcome] = []
        outcomes.reserveCapacity(items.count)
        for item in items { outcomes.append(await outcome(of: item)) }
        return outcomes
    }

    func outcome(of item: HandlingContext) async -> RecordOutcome {
        do {
            let event = try handler.decoded(item.record)
            try await handler.handle(event, context: item)
            return .done
        } catch {
            return RecordOutcome(thrown: error)
        }
    }
}

/// What a decoder threw: permanent, unless the error itself says otherwise.
func decodingFailure(_ error: any Error) -> any Error {
    if error is any RetriableError { return error }
    return HandlerError(.undecodable, "the record can't be decoded: \(error)", isRetriable: false, cause: error)
}

extension SingleHandler {
    func decoded(_ record: Record) throws -> Event {
        do { return try decode(record) } catch { throw decodingFailure(error) }
    }
}
