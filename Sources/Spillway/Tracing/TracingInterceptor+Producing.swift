import SpillwayCore

extension TracingInterceptor: ProducerInterceptor {
    /// Sends as a span, with its context in the messages' headers.
    public func send(_ messages: [Message], to topic: String, next: SendNext) async throws -> [SendReceipt] {
        let created = messages.map(\.traceContext)
        var links = MessageLinks()
        for case let context? in created { links.add(context) }
        let span = tracer.startSpan("send \(topic)", ofKind: .producer, links: links.links)
        guard let context = span.context else { return try await next(messages, topic) }
        defer { span.end() }
        describe(messages, topic, span)
        let headers = TraceHeaders.headers(of: context)
        var messages = messages
        for index in messages.indices where created[index] == nil { messages[index].replaceTraceHeaders(by: headers) }
        do {
            let receipts = try await span.withContext { try await next(messages, topic) }
            describe(receipts, span)
            return receipts
        } catch {
            span.fail(error)
            throw error
        }
    }

    private func describe(_ messages: [Message], _ topic: String, _ span: TraceSpan) {
        span.updateAttributes { attributes in
            describe("send", topic: topic, in: &attributes)
            if messages.count == 1 {
                if let value = messages[0].value { attributes[MessagingAttribute.bodySize] = .int(value.count) }
            } else {
                attributes[MessagingAttribute.batchCount] = .int(messages.count)
            }
        }
    }

    private func describe(_ receipts: [SendReceipt], _ span: TraceSpan) {
        guard let first = receipts.first else { return }
        span.updateAttributes { attributes in
            if receipts.allSatisfy({ $0.partition == first.partition }) {
                attributes[MessagingAttribute.partition] = "\(first.partition.partition)"
            }
            if receipts.count == 1, let position = first.position {
                attributes[MessagingAttribute.messageID] = Self.messageID(first.partition, position)
            }
        }
    }
}
