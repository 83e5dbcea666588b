import Spillway
import SpillwayCurl

/// Posts each event to one address; the receiver's status says what becomes of it.
struct WebhookHandler: SingleHandler {
    let client: HTTPClient

    func decode(_ record: Record) throws -> [UInt8] { Array(record.value ?? []) }

    func handle(_ body: [UInt8], context: HandlingContext) async throws {
        let headers = [
            "Content-Type": "application/json",
            // Delivery is at least once: a receiver that must not act twice remembers the ids that it has seen.
            "Webhook-Id": "\(context.partition.partition)-\(context.record.position?.low ?? 0)",
            "Webhook-Key": context.record.keyString ?? "",
            "Webhook-Attempt": "\(context.attempt)",
        ]
        // What the client throws (no connection, no answer in time) is retriable, as every error that doesn't say otherwise.
        let response = try await client.send("POST", body: body, headers: headers, timeout: .seconds(5))
        switch response.status {
        case 200..<300: return
        case 408, 429, 500...: throw HandlerError(.unavailable, "it answers \(response.status)", isRetriable: true)
        default: throw HandlerError(.rejected, "it answers \(response.status)", isRetriable: false)
        }
    }
}

extension RetryPolicy {
    /// Three attempts in place, then two rounds through the side queue while the key waits there and the others go on,
    /// then the dead letters. Short waits, so that the example can be watched; in earnest take minutes and more rounds.
    static let webhooks = RetryPolicy(
        backoff: Backoff(base: .milliseconds(50), maximum: .seconds(1)), maxAttempts: 3, whenExhausted: .hold,
        sideBackoff: Backoff(base: .milliseconds(200), maximum: .seconds(2)), maxRounds: 2)
}
