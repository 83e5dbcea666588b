import Spillway
import Testing

@Suite struct RecordDecodingTests {
    private struct Signup: Codable, Equatable {
        var name: String
        var plan: Int
    }

    private func record(_ value: String?, key: String? = "k") -> Record {
        Record(key: key.map { Array($0.utf8) }, value: value.map { Array($0.utf8) }, position: nil, timestampMs: 0)
    }

    @Test func whatAProducerSendsAsJSONComesBack() async throws {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic("t", partitions: 1)
        let producer = try Producer(broker: broker, topic: "t")
        try await producer.send(key: "änna", json: Signup(name: "änna", plan: 2))
        let subscription = try await broker.subscribe(SubscriptionRequest(topic: "t", group: "g"))
        subscription.request(records: 1, bytes: 1_000)
        while let event = try await subscription.next() {
            guard case .records(let batch) = event else { continue }
            #expect(try batch.records[0].json() == Signup(name: "änna", plan: 2))
            #expect(batch.records[0].keyString == "änna")
            break
        }
        await subscription.close()
    }

    @Test func messagesAreWhatTheProducerWouldSend() throws {
        let text = Message(key: "ä", string: "ö")
        #expect(text == Message(key: Array("ä".utf8), value: Array("ö".utf8)))
        #expect(Message(key: nil, string: "").key == nil)
        let json = try Message(key: "k", json: Signup(name: "n", plan: 1))
        let record = Record(key: json.key, value: json.value, position: nil, timestampMs: 0)
        #expect(try record.json() == Signup(name: "n", plan: 1))
    }

    @Test func whatIsNotTheJSONFailsForGood() {
        for record in [record("{\"name\":1}"), record("no json"), record(""), record(nil)] {
            let error = #expect(throws: HandlerError.self) { try record.json(Signup.self) }
            #expect(error?.code == .undecodable && error?.isRetriable == false)
        }
    }

    @Test func textsAreThereWhereBytesAre() {
        #expect(record("v").valueString == "v" && record("v").keyString == "k")
        #expect(record(nil, key: nil).valueString == nil && record(nil, key: nil).keyString == nil)
        #expect(record("", key: "").valueString == "" && record("", key: "").keyString == "")
    }
}
