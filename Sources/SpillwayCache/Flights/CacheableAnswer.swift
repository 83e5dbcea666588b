/// What a load brought, and whether the levels above may keep it.
@usableFromInline
struct CacheableAnswer<Value: Sendable>: Sendable {
    @usableFromInline var answer: Versioned<Value>
    @usableFromInline var isCacheable: Bool

    @inlinable
    init(_ answer: Versioned<Value>, isCacheable: Bool) {
        self.answer = answer
        self.isCacheable = isCacheable
    }
}
