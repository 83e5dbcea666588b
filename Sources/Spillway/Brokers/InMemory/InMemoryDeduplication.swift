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
    /// In the order in which they came; some have been replaced or have gone.
    private var expiries = Ring<Expiry>()
    private var count = 0
    /// No token expires before this.
    private var soonestMs = Int64.max
    let maxTokens: Int

    /// How many places the order takes.
    var places: Int { expiries.count }

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
        if count >= maxTokens, soonestMs <= nowMs { expireAll(nowMs) }
        guard count < maxTokens else {
            throw BrokerError(.queueFull, "the broker holds \(count) tokens, as many as it may", isRetriable: true)
        }
        return nil
    }

    /// Keeps the token of a first send.
    mutating func keep(_ token: Deduplication, receipts: [SendReceipt], nowMs: Int64) {
        let (expiresMs, overflow) = nowMs.addingReportingOverflow(max(0, token.lifetimeMs))
        let entry = Entry(
            fingerprint: token.fingerprint, receipts: receipts, expiresMs: overflow ? .max : expiresMs)
        if scopes[token.scope, default: [:]].updateValue(entry, forKey: token.token) == nil { count += 1 }
        expiries.append(Expiry(scope: token.scope, token: token.token, expiresMs: entry.expiresMs))
        soonestMs = min(soonestMs, entry.expiresMs)
        if expiries.count > 2 * count + 64 {
            let live = scopes
            expiries.keep { live[$0.scope]?[$0.token]?.expiresMs == $0.expiresMs }
        }
    }

    /// Forgets tokens that have expired, in the order in which they came, up to the first that lives.
    private mutating func expire(_ nowMs: Int64) {
        while let first = expiries.first, first.expiresMs <= nowMs {
            _ = expiries.popFirst()
            forget(first, nowMs)
        }
    }

    /// Forgets all that have expired, also those behind one that lives. Looks at every token, so it is for when they are
    /// too many and one has expired.
    private mutating func expireAll(_ nowMs: Int64) {
        soonestMs = .max
        for _ in 0..<expiries.count {
            guard let next = expiries.popFirst() else { return }
            if next.expiresMs <= nowMs {
                forget(next, nowMs)
            } else {
                soonestMs = min(soonestMs, next.expiresMs)
                expiries.append(next)
            }
        }
    }

    /// Forgets a token that has expired, unless it has come again since.
    private mutating func forget(_ expiry: Expiry, _ nowMs: Int64) {
        guard let entry = scopes[expiry.scope]?[expiry.token], entry.expiresMs <= nowMs else { return }
        scopes[expiry.scope]?[expiry.token] = nil
        if scopes[expiry.scope]?.isEmpty == true { scopes[expiry.scope] = nil }
        count -= 1
    }
}
