import SpillwayCore

/// Writes spans as the JSON of OTLP 1.9 (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): Protobuf's
/// JSON, but ids in hexadecimal and enumerations as numbers.
struct OTLPSpanEncoder: Sendable {
    /// The resource, written once.
    private let resource: SpanAttributes

    init(serviceName: String, resourceAttributes: SpanAttributes) {
        var resource: SpanAttributes = ["service.name": .string(serviceName)]
        for entry in resourceAttributes.entries where entry.key != "service.name" { resource[entry.key] = entry.value }
        self.resource = resource
    }

    /// About how many bytes a span takes as JSON; what bounds count.
    static func byteCount(_ span: FinishedSpan) -> Int {
        var count = 320 + span.name.utf8.count + byteCount(span.attributes)
        for link in span.links { count += 120 + byteCount(link.attributes) }
        for event in span.events { count += 80 + event.name.utf8.count + byteCount(event.attributes) }
        return count
    }

    private static func byteCount(_ attributes: SpanAttributes) -> Int {
        attributes.entries.reduce(0) { count, entry in
            let value =
                switch entry.value {
                case .string(let text): text.utf8.count
                case .strings(let texts): texts.reduce(0) { $0 + $1.utf8.count + 20 }
                case .int, .double, .bool: 20
                }
            return count + 40 + entry.key.utf8.count + value
        }
    }

    /// A request's body.
    func encode(_ spans: [FinishedSpan]) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("resourceSpans")
            writer.array { writer in
                writer.object { writer in
                    writer.key("resource")
                    writer.object { Self.write(resource, to: &$0) }
                    writer.key("scopeSpans")
                    writer.array { writer in
                        writer.object { Self.writeScope(spans, to: &$0) }
                    }
                }
            }
        }
        return writer.bytes
    }

    private static func writeScope(_ spans: [FinishedSpan], to writer: inout JSONWriter) {
        writer.key("scope")
        writer.object { writer in
            writer.key("name")
            writer.string("spillway")
        }
        writer.key("spans")
        writer.array { writer in
            for span in spans { writer.object { write(span, to: &$0) } }
        }
    }

    private static func write(_ span: FinishedSpan, to writer: inout JSONWriter) {
        write(span.context, to: &writer)
        if let parent = span.parentSpanID {
            writer.key("parentSpanId")
            writer.string(parent.description)
        }
        writer.key("name")
        writer.string(span.name)
        writer.key("kind")
        writer.number(number(of: span.kind))
        writer.key("startTimeUnixNano")
        writer.wide(span.startNanoseconds)
        writer.key("endTimeUnixNano")
        writer.wide(span.endNanoseconds)
        write(span.attributes, to: &writer)
        if !span.events.isEmpty {
            writer.key("events")
            writer.array { writer in
                for event in span.events { writer.object { write(event, of: span, to: &$0) } }
            }
        }
        writeCount("droppedEventsCount", span.droppedEvents, to: &writer)
        if !span.links.isEmpty {
            writer.key("links")
            writer.array { writer in
                for link in span.links {
                    writer.object { writer in
                        write(link.context, to: &writer)
                        write(link.attributes, to: &writer)
                    }
                }
            }
        }
        writeCount("droppedLinksCount", span.droppedLinks, to: &writer)
        if let status = span.status {
            writer.key("status")
            writer.object { write(status, to: &$0) }
        }
    }

    private static func write(_ context: TraceContext, to writer: inout JSONWriter) {
        writer.key("traceId")
        writer.string(context.traceID.description)
        writer.key("spanId")
        writer.string(context.spanID.description)
        if let state = context.state.header {
            writer.key("traceState")
            writer.string(state)
        }
        writer.key("flags")
        writer.number(context.isSampled ? 1 : 0)
    }

    private static func write(_ event: SpanEvent, of span: FinishedSpan, to writer: inout JSONWriter) {
        writer.key("timeUnixNano")
        writer.wide(event.timeNanoseconds ?? span.startNanoseconds)
        writer.key("name")
        writer.string(event.name)
        write(event.attributes, to: &writer)
    }

    private static func write(_ status: SpanStatus, to writer: inout JSONWriter) {
        if let message = status.message {
            writer.key("message")
            writer.string(message)
        }
        writer.key("code")
        writer.number(status.code == .ok ? 1 : 2)
    }

    private static func write(_ attributes: SpanAttributes, to writer: inout JSONWriter) {
        if !attributes.isEmpty {
            writer.key("attributes")
            writer.array { writer in
                for entry in attributes.entries {
                    writer.object { writer in
                        writer.key("key")
                        writer.string(entry.key)
                        writer.key("value")
                        writer.object { write(entry.value, to: &$0) }
                    }
                }
            }
        }
        writeCount("droppedAttributesCount", attributes.droppedCount, to: &writer)
    }

    private static func write(_ value: SpanAttributes.Value, to writer: inout JSONWriter) {
        switch value {
        case .string(let text):
            writer.key("stringValue")
            writer.string(text)
        case .int(let number):
            writer.key("intValue")
            writer.wide(Int64(number))
        case .double(let number):
            writer.key("doubleValue")
            writer.double(number)
        case .bool(let value):
            writer.key("boolValue")
            writer.bool(value)
        case .strings(let texts):
            writer.key("arrayValue")
            writer.object { writer in
                writer.key("values")
                writer.array { writer in
                    for text in texts { writer.object { write(.string(text), to: &$0) } }
                }
            }
        }
    }

    private static func writeCount(_ key: StaticString, _ count: Int, to writer: inout JSONWriter) {
        guard count > 0 else { return }
        writer.key(key)
        writer.number(count)
    }

    private static func number(of kind: SpanKind) -> Int {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}
