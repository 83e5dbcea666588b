public import SpillwayCore
public import Synchronization

extension LocalCache {
    /// How a caller gets its answer.
    @usableFromInline
    enum Boarding {
        case hit(Versioned<Value>)
        case lead(LoadFlight<Value>, CacheLease<Key>)
        case join(LoadFlight<Value>)
    }

    /// The cached answer, or the store's: of all callers that miss a key at a time one loads, the others wait for it.
    ///
    /// An update or an invalidation makes the cache forget the load: whoever comes after it starts a new one. The load
    /// runs in its caller's task; if that is cancelled, one of the others loads in its place.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - load: reads the store. What it throws is thrown to everybody who waits, and not cached.
    /// - Throws: what `load` throws; `CancellationError` if this task is cancelled while it waits for another's load.
    @inlinable
    public func value(
        for key: Key, load: (Key) async throws -> Versioned<Value>
    ) async throws -> Versioned<Value> {
        try await value(for: key, loadCacheable: { CacheableAnswer(try await load($0), isCacheable: true) })
    }

    /// The same where the load decides whether its answer may be cached.
    @inlinable
    func value(
        for key: Key, loadCacheable load: (Key) async throws -> CacheableAnswer<Value>
    ) async throws -> Versioned<Value> {
        switch board(key) {
        case .hit(let answer): return answer
        case .lead(let flight, let lease): return try await lead(flight, lease, load)
        case .join(let flight):
            switch await flight.wait() {
            case .loaded(let answer): return answer
            case .failed(let error): throw error
            case .cancelled: throw CancellationError()
            case .lead:
                // A new lease: what this load reads is newer than what the cancelled one was to read.
                switch peek(key) {
                case .hit(let value, let version):
                    let answer = Versioned(value, version: version)
                    land(flight, key, .loaded(answer))
                    return answer
                case .miss(let lease): return try await lead(flight, lease, load)
                }
            }
        }
    }

    @usableFromInline
    func lead(
        _ flight: LoadFlight<Value>, _ lease: CacheLease<Key>, _ load: (Key) async throws -> CacheableAnswer<Value>
    ) async throws -> Versioned<Value> {
        do {
            let loaded = try await load(lease.key)
            var answer = loaded.answer
            let isCached = loaded.isCacheable && fill(lease, answer.value, version: answer.version) == .accepted
            if !isCached,
                case .hit(let value, let version) = peek(lease.key), version > answer.version
            {
                answer = Versioned(value, version: version)
            }
            land(flight, lease.key, .loaded(answer))
            return answer
        } catch {
            if Task.isCancelled { abandon(flight, lease.key) } else { land(flight, lease.key, .failed(error)) }
            throw error
        }
    }

    @inlinable
    func board(_ key: Key) -> Boarding {
        let hash = Self.hash(key)
        let now = time.now().nanoseconds
        return shards.base[shards.number(hash)].withLock { shard in
            switch shard.lookup(key, hash, now: now) {
            case .hit(let value, let version): return .hit(Versioned(value, version: version))
            case .miss(let lease):
                if let flight = shard.flights[key] { return .join(flight) }
                let flight = LoadFlight<Value>()
                shard.flights[key] = flight
                return .lead(flight, lease)
            }
        }
    }

    @inlinable
    func peek(_ key: Key) -> CacheLookup<Key, Value> {
        let hash = Self.hash(key)
        let now = time.now().nanoseconds
        return shards.base[shards.number(hash)].withLock { $0.peek(key, hash, now: now) }
    }

    /// Forgets the flight first, so that whoever comes now looks into the cache again, then tells the waiters.
    @usableFromInline
    func land(_ flight: LoadFlight<Value>, _ key: Key, _ landing: LoadFlight<Value>.Landing) {
        shards.base[shards.number(Self.hash(key))].withLock { shard in
            if shard.flights[key] === flight { shard.flights[key] = nil }
        }
        flight.land(landing)
    }

    /// How many loads are on their way.
    package var flightCount: Int {
        (0..<shards.count).reduce(0) { $0 + shards.base[$1].withLock { $0.flights.count } }
    }

    /// How many wait for the load of a key.
    package func waiters(_ key: Key) -> Int {
        shards.base[shards.number(Self.hash(key))].withLock { $0.flights[key] }?.waiterCount ?? 0
    }

    /// Gives the flight of a cancelled leader to a waiter, or forgets it if there is none.
    private func abandon(_ flight: LoadFlight<Value>, _ key: Key) {
        shards.base[shards.number(Self.hash(key))].withLock { shard in
            if !flight.handOver(), shard.flights[key] === flight { shard.flights[key] = nil }
        }
    }
}
