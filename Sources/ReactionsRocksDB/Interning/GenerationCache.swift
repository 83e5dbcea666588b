/// A bounded map without bookkeeping on hits: two generations, the older one is dropped when the younger one is full.
/// What is used stays, since a hit in the older generation moves the entry to the younger.
struct GenerationCache<Key: Hashable, Value> {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private let limit: Int

    /// - Parameter limit: entries of one generation; twice as many at most are held.
    init(limit: Int) { self.limit = limit }

    mutating func value(_ key: Key) -> Value? {
        if let value = young[key] { return value }
        guard let value = old.removeValue(forKey: key) else { return nil }
        set(value, for: key)
        return value
    }

    mutating func set(_ value: Value, for key: Key) {
        if young.count >= limit, young[key] == nil {
            old = young
            young = [:]
        }
        young[key] = value
    }

    mutating func removeAll() {
        young = [:]
        old = [:]
    }
}
