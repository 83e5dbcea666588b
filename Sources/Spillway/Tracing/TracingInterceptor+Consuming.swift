import SpillwayCore

extension TracingInterceptor: ConsumerInterceptor {
    /// Handles records as a span that links to where they were sent.
    public func handle(_ records: [HandlingContext], next: HandleNext) async -> [RecordOutcome] {
        guard let first = records.first else { return await next(records) }
        var links = MessageLinks()
        for record in records {
            if let context = record.record.traceContext { links.add(context) }
        }
        let span = begin(first.partition.topic, links.links, isSingle: records.count == 1)
        defer { span.end() }
        span.updateAttributes { attributes in
            describe("process", topic: first.partition.topic, in: &attributes)
            if records.count > 1 { attributes[MessagingAttribute.batchCount] = .int(records.count) }
            if records.allSatisfy({ $0.partition == first.partition }) {
                attributes[MessagingAttribute.partition] = "\(first.partition.partition)"
            }
            if records.count == 1 { describe(first, in: &attributes) }
        }
        let outcomes = await span.withContext { await next(records) }
        if span.isRecording { judge(outcomes, of: records.count, span) }
        return outcomes
    }

    /// Handles a partition's batch as a span that links to where its records were sent.
    public func handle(_ batch: RecordBatch, attempt: Int, next: HandleBatchNext) async throws {
        var links = MessageLinks()
        for record in batch.records {
            if let context = record.traceContext { links.add(context) }
        }
        let span = begin(batch.partition.topic, links.links, isSingle: false)
        defer { span.end() }
        span.updateAttributes { attributes in
            describe("process", topic: batch.partition.topic, in: &attributes)
            attributes[MessagingAttribute.batchCount] = .int(batch.records.count)
            attributes[MessagingAttribute.partition] = "\(batch.partition.partition)"
            if attempt > 1 { attributes[MessagingAttribute.attempt] = .int(attempt) }
        }
        do {
            try await span.withContext { try await next(batch) }
        } catch {
            span.fail(error)
            throw error
        }
    }

    /// The worker's own context is that of whoever started the consumer, and has nothing to do with the records.
    private func begin(_ topic: String, _ links: [SpanLink], isSingle: Bool) -> TraceSpan {
        let parent = relation == .parent && isSingle ? links.first?.context : nil
        let span = tracer.startSpan("process \(topic)", context: parent, ofKind: .consumer, links: links)
        if let group { span.updateAttributes { $0[MessagingAttribute.group] = .string(group) } }
        return span
    }

    private func describe(_ context: HandlingContext, in attributes: inout SpanAttributes) {
        if let size = context.record.valueRange?.count { attributes[MessagingAttribute.bodySize] = .int(size) }
        if let position = context.record.position {
            attributes[MessagingAttribute.messageID] = Self.messageID(context.partition, position)
        }
        if context.attempt > 1 { attributes[MessagingAttribute.attempt] = .int(context.attempt) }
    }

    /// The span failed if any of its records did; the first error stands for all.
    private func judge(_ outcomes: [RecordOutcome], of count: Int, _ span: TraceSpan) {
        var failed = 0
        for outcome in outcomes {
            switch outcome {
            case .done: continue
            case .retry(let error), .fail(let error):
                if failed == 0 { span.fail(error) }
                failed += 1
            }
        }
        if failed > 0 && failed < count { span.attributes[MessagingAttribute.failedCount] = .int(failed) }
    }
}
