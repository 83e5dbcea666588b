import Spillway

/// The engine beside a plain loop over the same records, in turns: each has a key of its own, and the handler does
/// nothing.
struct PlainLoopRun {
    let records: Int
    let pairs: Int

    func run() async throws -> Figures {
        let topic = try await BenchTopic(maxRecords: records)
        try await topic.fill(records, keys: records)
        let array = try await topic.records()
        var table: [ArraySlice<UInt8>: Int] = [:]
        table.reserveCapacity(records)
        for (number, record) in array.enumerated() { table[record.key ?? []] = number }
        guard array.count == records, table.count == records else { throw BenchError("records are missing") }

        var plain: [Double] = []
        var engine: [Double] = []
        for pair in 0..<pairs {
            plain.append(try await seconds { try await loop(array, table) })
            engine.append(try await engineRun(topic, group: "g\(pair)"))
        }
        var figures = Figures()
        figures.set("plain_per_second", plain.map { Double(records) / $0 })
        figures.set("engine_per_second", engine.map { Double(records) / $0 })
        figures.set("ratios", zip(plain, engine).map { $0 / $1 })
        return figures
    }

    /// Takes each record from an array, looks its key up and awaits the handler.
    @concurrent
    private func loop(_ records: [Record], _ table: [ArraySlice<UInt8>: Int]) async throws {
        let countdown = Countdown(records.count)
        let handler = NoOpHandler(countdown: countdown)
        var found = 0
        for record in records {
            guard let key = record.key, let number = table[key] else { continue }
            found += number
            try await handler.handle(
                handler.decode(record), context: HandlingContext(record: record, partition: BenchTopic.partition))
        }
        await countdown.wait()
        guard found == records.count * (records.count - 1) / 2 else { throw BenchError("a key was not found") }
    }

    /// From the consumer's start to the end of the last record; that all was committed is checked afterwards.
    private func engineRun(_ topic: BenchTopic, group: String) async throws -> Double {
        let countdown = Countdown(records)
        let handler = NoOpHandler(countdown: countdown)
        var time = 0.0
        let start = ContinuousClock.now
        try await topic.consume(topic.configuration(group: group), .single(handler)) {
            await countdown.wait()
            let (seconds, attoseconds) = (ContinuousClock.now - start).components
            time = Double(seconds) + Double(attoseconds) * 1e-18
            try await topic.committed(group)
        }
        return time
    }
}
