public import SpillwayCore

/// Traces sends and handlings as OpenTelemetry's conventions for messaging have it: hand one to a producer, one to a
/// consumer, and a trace goes from the one through the log to the other.
///
/// - A send is a span `send <topic>` of kind producer. Its context travels in the messages' headers. A message that
///   carries one already keeps it (it says where the message was created) and the span links to it; one that is broken
///   is replaced.
/// - A handling, each attempt of it, is a span `process <topic>` of kind consumer, which links to the contexts of its
///   records: at most `TraceSpan.maximumLinks` different ones, those that were recorded first. It begins a trace of its
///   own, or is part of the record's trace, as ``Relation`` says. Headers that can't be understood are passed over.
///
/// While the handler runs, `TraceContext.current` is the span's context, so that what it sends continues the trace.
/// Which traces are recorded is for the `Tracer`'s sampler; where one is not, its context still travels on.
public struct TracingInterceptor: Sendable {
    /// How the handling of a single record has to do with its sending.
    public enum Relation: Hashable, Sendable {
        /// It begins a trace of its own that links to the sending, so that one trace does not grow with all that follows
        /// from it. What the conventions ask for.
        case link
        /// It is also a part of the sender's trace, which the conventions allow. Batches only link: they have many
        /// senders.
        case parent
    }

    let tracer: Tracer
    let group: String?
    let system: String
    let relation: Relation

    /// Makes an interceptor.
    ///
    /// - Parameters:
    ///   - tracer: begins the spans.
    ///   - group: the consumer's group, for its spans; `nil` for a producer's.
    ///   - system: what `messaging.system` says, such as `kafka`; default `spillway`.
    ///   - relation: how the handling of a single record has to do with its sending; default ``Relation/link``.
    public init(tracer: Tracer, group: String? = nil, system: String = "spillway", relation: Relation = .link) {
        self.tracer = tracer
        self.group = group
        self.system = system
        self.relation = relation
    }

    /// What both kinds of spans say.
    func describe(_ operation: String, topic: String, in attributes: inout SpanAttributes) {
        attributes[MessagingAttribute.system] = .string(system)
        attributes[MessagingAttribute.operationName] = .string(operation)
        attributes[MessagingAttribute.operationType] = .string(operation)
        attributes[MessagingAttribute.destination] = .string(topic)
    }

    /// A name for a record that both its sender and its handler know.
    static func messageID(_ partition: TopicPartition, _ position: Position) -> SpanAttributes.Value {
        .string("\(partition.partition)/\(position.high):\(position.low)")
    }
}
