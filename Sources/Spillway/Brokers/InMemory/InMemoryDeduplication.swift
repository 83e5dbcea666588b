/// The deduplication tokens of a topic.
struct InMemoryDeduplication: Sendable {
    private struct Entry: Sendable {
        var fingerprint: UInt64
        var receipts: [SendReceipt]
        var expiresMs: Int64
    }

    private struct Expiry: Sendable {
        var scope: [UInt8]
        var token: [UInt8]
        var expiresMs: Int64
    }

    private var scopes: [[UInt8]: [[UInt8]: Entry]] = [:]
    private var expiries = Ring<Expiry>()
    private var count = 0
    let maxTokens: Int

    init(maxTokens: Int) { self.maxTokens = maxTokens }

    /// The receipts of the first send of the token, which was of so many messages, or `nil` if this is it.
    ///
    /// - Throws: `BrokerError` if the token came with another fingerprint or number, or a quota is used up.
    mutating func earlier(_ token: Deduplication, _ messages: Int, nowMs: Int64) throws -> [SendReceipt]? {
        expire(nowMs)
        if let entry = scopes[token.scope]?[token.token], entry.expiresMs > nowMs {
            guard entry.fingerprint == token.fingerprint, entry.receipts.count == messages else {
                throw BrokerError(.deduplicationMismatch, "the token came before with something else")
            }
            return entry.receipts.map { receipt in
                var receipt = receipt
                receipt.isDuplicate = true
                return receipt
            }
        }
        if let scope = scopes[token.scope], scope.count >= token.quota {
            let live = scope.filter { $0.value.expiresMs > nowMs }
            count -= scope.count - live.count
            scopes[token.scope] = live.isEmpty ? nil : live
            guard live.count < token.quota else {
                throw BrokerError(
                    .deduplicationQuota, "the scope has \(live.count) live tokens, of \(token.quota)",
                    isRetriable: true)
            }
        }
        guard count < maxTokens else {
            throw BrokerError(.queueFull, "the broker holds \(count) tokens, as many as it may", isRetriable: true)
        }
        return nil
    }

    /// Keeps the token of a first send.
    mutating func keep(_ token: Deduplication, receipts: [SendReceipt], nowMs: Int64) {
        let entry = Entry(
            fingerprint: token.fingerprint, receipts: receipts, expiresMs: nowMs + token.lifetimeMs)
        if scopes[token.scope, default: [:]].updateValue(entry, forKey: token.token) == nil { count += 1 }
        expiries.append(Expiry(scope: token.scope, token: token.token, expiresMs: entry.expiresMs))
    }

    /// Forgets tokens that have expired, in the order in which they came.
    private mutating func expire(_ nowMs: Int64) {
        while let first = expiries.first, first.expiresMs <= nowMs {
            _ = expiries.popFirst()
            guard let entry = scopes[first.scope]?[first.token], entry.expiresMs <= nowMs else { continue }
            scopes[first.scope]?[first.token] = nil
            if scopes[first.scope]?.isEmpty == true { scopes[first.scope] = nil }
            count -= 1
        }
    }
}
