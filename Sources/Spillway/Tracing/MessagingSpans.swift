import SpillwayCore

/// The names that OpenTelemetry's conventions for messaging give to what spans say. docs/OBSERVABILITY.md lists them.
enum MessagingAttribute {
    static let system = "messaging.system"
    static let destination = "messaging.destination.name"
    static let partition = "messaging.destination.partition.id"
    static let group = "messaging.consumer.group.name"
    static let operationName = "messaging.operation.name"
    static let operationType = "messaging.operation.type"
    static let batchCount = "messaging.batch.message_count"
    static let bodySize = "messaging.message.body.size"
    static let messageID = "messaging.message.id"
    static let errorType = "error.type"
    /// Ours: how many times the records are being handled, where it is not the first time.
    static let attempt = "spillway.attempt"
    /// Ours: how many records of a batch failed, where not all did.
    static let failedCount = "spillway.batch.failed_count"
}

/// What `error.type` says: an error's code where it has one, else its type's name. Never a text with data
/// in it, nor the name's context, which for a private type changes with each start.
func errorType(of error: any Error) -> String {
    switch error {
    case let error as BrokerError: error.code.description
    case let error as HandlerError: error.code.description
    case let error as ConsumerError: error.code.description
    default: String(describing: type(of: error))
    }
}

extension TraceSpan {
    /// Says that the work failed, and why.
    func fail(_ error: any Error) {
        guard isRecording else { return }
        recordError(error)
        attributes[MessagingAttribute.errorType] = .string(errorType(of: error))
    }
}

/// Links to where messages come from, as many as a span keeps: each context once, those that were recorded first, since
/// the others lead to spans that nobody can find.
struct MessageLinks {
    private var recorded: [SpanLink] = []
    private var others: [SpanLink] = []
    private var seen: Set<TraceContext.SpanID> = []
    private var last: TraceContext.SpanID?

    mutating func add(_ context: TraceContext) {
        // What was sent together carries one context, and most often lies together.
        if context.spanID == last { return }
        last = context.spanID
        let isFull = (context.isSampled ? recorded.count : others.count) >= TraceSpan.maximumLinks
        guard !isFull, seen.insert(context.spanID).inserted else { return }
        if context.isSampled {
            recorded.append(SpanLink(context: context))
        } else {
            others.append(SpanLink(context: context))
        }
    }

    var links: [SpanLink] { Array((recorded + others).prefix(TraceSpan.maximumLinks)) }
}
