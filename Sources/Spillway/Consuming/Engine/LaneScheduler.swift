import SpillwayCore

/// Chooses which records are handled next, so that records that wait for each other follow each other and nothing
/// else waits.
///
/// Choosing is O(1) in the number of keys: a lane that can run stands in a ready queue once and goes back to its end
/// after its turn. Hot keys have a queue of their own; a key changes its queue between two turns, so its order holds.
struct LaneScheduler: Sendable {
    /// Lanes that can run, and how much waits in them.
    private struct ReadyQueue: Sendable {
        var lanes = Ring<Int>()
        var records = 0
        var bytes = 0
    }

    let order: OrderMode
    /// The hashes of the keys that are hot now.
    var hotHashes: Set<UInt64> = []
    private(set) var entries = EntryPool()
    private var lanes: ContiguousArray<Lane> = []
    private var freeLanes: [Int] = []
    private var table = LaneTable()
    private var shared = ReadyQueue()
    private var hot = ReadyQueue()
    private var parked = ParkedLanes()

    init(order: OrderMode) { self.order = order }

    var laneCount: Int { lanes.count - freeLanes.count }
    var parkedCount: Int { parked.count }
    var keyCount: Int { table.count }
    func readyCount(_ pool: LanePool) -> Int { pool == .hot ? hot.lanes.count : shared.lanes.count }
    func readyRecords(_ pool: LanePool) -> Int { pool == .hot ? hot.records : shared.records }

    /// True if the front lane of the hot ones has been ready longer than that of the others.
    var isHotReadyLonger: Bool {
        guard let first = hot.lanes.first, let other = shared.lanes.first else { return false }
        return lanes[first].since < lanes[other].since
    }

    // MARK: Keys

    /// The hash of what a record waits for; `nil` if it waits for nothing.
    func hash(of record: Record, epoch: UInt64) -> UInt64? {
        switch order {
        case .none: nil
        case .partition: hash(epoch, [])
        case .key:
            record.keyRange.map { range in
                record.storage.bytes.withUnsafeBytes { hash(epoch, UnsafeRawBufferPointer(rebasing: $0[range])) }
            }
        }
    }

    /// The hash of a key in an assignment.
    func hash(_ epoch: UInt64, _ key: ArraySlice<UInt8>) -> UInt64 {
        key.withUnsafeBytes { hash(epoch, $0) }
    }

    private func hash(_ epoch: UInt64, _ key: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(epoch)
        if order == .key { hasher.combine(bytes: key) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The lane of a key.
    func lane(_ hash: UInt64, epoch: UInt64, key: ArraySlice<UInt8>?) -> Int? {
        var index = table.start(hash)
        while let number = table.next(hash, &index) {
            guard lanes[number].epoch == epoch else { continue }
            if order == .partition || entries.hasKey(lanes[number].entries.first, key) { return number }
        }
        return nil
    }

    /// The lane of a record's key.
    private func lane(_ hash: UInt64, of record: Int) -> Int? {
        var index = table.start(hash)
        while let number = table.next(hash, &index) {
            guard lanes[number].epoch == entries.epoch(record) else { continue }
            if order == .partition || entries.haveSameKey(lanes[number].entries.first, record) { return number }
        }
        return nil
    }

    subscript(number: Int) -> Lane { lanes[number] }

    // MARK: Records

    /// Takes a record out of every list into the pool only; see ``place(_:hash:now:)``.
    mutating func add(_ entry: consuming LaneEntry) -> Int { entries.add(entry) }

    /// Changes a record.
    mutating func update(_ number: Int, _ change: (inout LaneEntry) -> Void) { change(&entries[number]) }

    /// Forgets a record that is in no list any more.
    mutating func forget(_ number: Int) { entries.remove(number) }

    /// Puts a record at the end of a list.
    mutating func append(_ number: Int, to list: inout EntryList) { list.append(number, in: &entries) }

    /// Puts another list's records at the end of a list.
    mutating func append(_ other: EntryList, to list: inout EntryList) { list.append(other, in: &entries) }

    /// Takes the first record of a list.
    mutating func pop(from list: inout EntryList) -> Int? { list.popFirst(in: &entries) }

    /// Puts a record at the end of its key's lane.
    ///
    /// - Returns: the lane.
    @discardableResult
    mutating func place(_ number: Int, hash: UInt64?, now: MonotonicInstant) -> Int {
        let bytes = entries.bytes(number)
        let epoch = entries.epoch(number)
        if let hash, let lane = lane(hash, of: number) {
            entries[number].lane = lane
            lanes[lane].entries.append(number, in: &entries)
            lanes[lane].bytes += bytes
            if lanes[lane].state == .ready { count(lanes[lane].pool, records: 1, bytes: bytes) }
            return lane
        }
        let lane = freeLanes.popLast() ?? lanes.count
        if lane == lanes.count { lanes.append(Lane()) }
        entries[number].lane = lane
        lanes[lane].epoch = epoch
        lanes[lane].hash = hash ?? 0
        lanes[lane].isKeyed = hash != nil
        lanes[lane].entries.append(number, in: &entries)
        lanes[lane].bytes = bytes
        if let hash { table.insert(hash, lane) }
        makeReady(lane, now: now)
        return lane
    }

    // MARK: Looking

    /// The records that are here, with workers or not.
    var liveRecords: [Int] { entries.numbers }

    /// True if the lane of the record has gone while a worker has it.
    func isOrphan(_ number: Int) -> Bool { entries.lane(number) == Lane.gone }

    /// True if a worker has the record.
    func isWithWorker(_ number: Int) -> Bool {
        if isOrphan(number) { return true }
        let lane = lanes[entries.lane(number)]
        guard lane.state == .running, lane.epoch == entries.epoch(number) else { return false }
        var next = lane.entries.first
        for _ in 0..<lane.out {
            if next == number { return true }
            next = entries.next(next)
        }
        return false
    }

    /// Since when a worker has records of the lane.
    func turnStart(of lane: Int) -> MonotonicInstant? {
        lanes[lane].out > 0 ? entries.started(lanes[lane].entries.first) : nil
    }

    /// The lanes whose turn has begun before a time.
    func turns(before instant: MonotonicInstant) -> [Int] {
        lanes.indices.filter { lane in turnStart(of: lane).map { $0 <= instant } ?? false }
    }

    /// The lanes with the most records.
    func longest(_ count: Int) -> [Int] {
        let used = lanes.indices.filter { lanes[$0].state != .free }
        return Array(used.sorted { lanes[$0].entries.count > lanes[$1].entries.count }.prefix(count))
    }

    // MARK: Turns

    /// True if there are records for a worker, and their batch should not wait to grow.
    ///
    /// - Parameter canGrow: false if no other record can come before some of what is here have ended.
    mutating func isDue(_ pool: LanePool, _ limits: BatchLimits, canGrow: Bool = true, now: MonotonicInstant) -> Bool {
        unpark(now)
        settleFront(.shared, now: now)
        // Also for the others: a lane that has cooled down does not wait for a worker of the hot ones.
        settleFront(.hot, now: now)
        guard let front = pool == .hot ? hot.lanes.first : shared.lanes.first else { return false }
        return !canGrow || readyRecords(pool) >= limits.maxRecords
            || (pool == .hot ? hot.bytes : shared.bytes) >= limits.maxBytes
            || lanes[front].since + limits.maxDelay <= now
    }

    /// Takes the next records for a worker, whether their batch is due or not. Records of a lane are next to each other.
    ///
    /// - Parameter perLane: the most records of one lane.
    mutating func take(
        _ pool: LanePool, _ limits: BatchLimits, perLane: Int = .max, now: MonotonicInstant
    ) -> [Int] {
        var taken: [Int] = []
        taken.reserveCapacity(min(limits.maxRecords, readyRecords(pool)))
        var bytes = 0
        while taken.count < limits.maxRecords, taken.isEmpty || bytes < limits.maxBytes {
            settleFront(pool, now: now)
            guard let lane = popReady(pool) else { break }
            count(pool, records: -lanes[lane].entries.count, bytes: -lanes[lane].bytes)
            lanes[lane].state = .running
            var number = lanes[lane].entries.first
            while number >= 0, lanes[lane].out < perLane, taken.count < limits.maxRecords,
                taken.isEmpty || bytes < limits.maxBytes
            {
                let size = entries.bytes(number)
                bytes += size
                entries[number].started = now
                taken.append(number)
                lanes[lane].out += 1
                lanes[lane].bytes -= size
                number = entries.next(number)
            }
        }
        return taken
    }

    /// True if the record's lane is still the one that it was taken from.
    func isInLane(_ number: Int) -> Bool {
        if isOrphan(number) { return false }
        let lane = lanes[entries.lane(number)]
        return lane.state == .running && lane.epoch == entries.epoch(number)
    }

    /// Takes the first record of a running lane out of it: it has its final state, or goes elsewhere.
    mutating func popFirst(of lane: Int) {
        // The key of a lane is its first record's; a lane whose last record goes is closed by ``endTurn(of:now:)``.
        let isLast = lanes[lane].entries.count == 1
        if isLast, lanes[lane].isKeyed {
            table.remove(lanes[lane].hash, lane)
            lanes[lane].isKeyed = false
        }
        _ = lanes[lane].entries.popFirst(in: &entries)
        lanes[lane].out -= 1
    }

    /// Ends the turn of a running lane: what is left in it can go on.
    mutating func endTurn(of lane: Int, now: MonotonicInstant) {
        takeBack(lane)
        if lanes[lane].entries.isEmpty { close(lane) } else { makeReady(lane, now: now) }
    }

    /// Ends the turn of a running lane, which waits until a time.
    mutating func park(_ lane: Int, until instant: MonotonicInstant) {
        takeBack(lane)
        lanes[lane].state = .parked
        lanes[lane].parkedUntil = instant
        parked.insert(ParkedLanes.Entry(due: instant, lane: lane))
    }

    /// Takes what came from the side queue out of a parked or running lane, but for its first record and what is with a
    /// worker.
    mutating func takeLoaded(from lane: Int) -> [Int] {
        var taken: [Int] = []
        var kept = EntryList()
        let fixed = max(1, lanes[lane].out)
        while let number = lanes[lane].entries.popFirst(in: &entries) {
            if kept.count < fixed || entries.side(number) == nil {
                kept.append(number, in: &entries)
            } else {
                lanes[lane].bytes -= entries.bytes(number)
                taken.append(number)
            }
        }
        lanes[lane].entries = kept
        return taken
    }

    /// Ends the turn of a running lane and the lane itself; its records stay in the pool, in this list.
    mutating func extract(_ lane: Int) -> EntryList {
        let list = lanes[lane].entries
        if lanes[lane].isKeyed { table.remove(lanes[lane].hash, lane) }
        lanes[lane].entries = EntryList()
        close(lane)
        return list
    }

    /// Forgets what waits of an assignment, and hands each record out. Records with workers stay in the pool, without a
    /// lane, until they are completed.
    mutating func drop(epoch: UInt64, _ body: (LaneEntry) -> Void) {
        shared.lanes.keep { lanes[$0].epoch != epoch }
        hot.lanes.keep { lanes[$0].epoch != epoch }
        parked.keep { lanes[$0].epoch != epoch }
        for lane in lanes.indices where lanes[lane].state != .free && lanes[lane].epoch == epoch {
            if lanes[lane].state == .ready {
                count(lanes[lane].pool, records: -lanes[lane].entries.count, bytes: -lanes[lane].bytes)
            }
            if lanes[lane].isKeyed { table.remove(lanes[lane].hash, lane) }
            var out = lanes[lane].out
            while let number = lanes[lane].entries.popFirst(in: &entries) {
                if out > 0 {
                    out -= 1
                    entries[number].lane = Lane.gone
                    continue
                }
                body(entries[number])
                entries.remove(number)
            }
            close(lane)
        }
    }

    // MARK: Time

    /// When the first parked lane is due.
    var nextRetry: MonotonicInstant? { parked.nextDue }

    /// When the batch that is growing closes by time.
    func nextClose(_ limits: BatchLimits) -> MonotonicInstant? {
        let first = shared.lanes.first.map { lanes[$0].since + limits.maxDelay }
        guard let other = hot.lanes.first.map({ lanes[$0].since + limits.maxDelay }) else { return first }
        return first.map { min($0, other) } ?? other
    }

    private mutating func unpark(_ now: MonotonicInstant) {
        while let lane = parked.popDue(now) { makeReady(lane, now: now) }
    }

    // MARK: Queues

    private mutating func count(_ pool: LanePool, records: Int, bytes: Int) {
        switch pool {
        case .shared:
            shared.records += records
            shared.bytes += bytes
        case .hot:
            hot.records += records
            hot.bytes += bytes
        }
    }

    private mutating func popReady(_ pool: LanePool) -> Int? {
        pool == .hot ? hot.lanes.popFirst() : shared.lanes.popFirst()
    }

    private func poolOf(_ lane: Int) -> LanePool {
        !hotHashes.isEmpty && lanes[lane].isKeyed && hotHashes.contains(lanes[lane].hash) ? .hot : .shared
    }

    /// Moves lanes whose key has become hot, or has cooled down, from the front of one queue to the end of the other.
    private mutating func settleFront(_ pool: LanePool, now: MonotonicInstant) {
        guard pool == .hot ? !hot.lanes.isEmpty : !hotHashes.isEmpty else { return }
        while let lane = pool == .hot ? hot.lanes.first : shared.lanes.first, poolOf(lane) != pool {
            _ = popReady(pool)
            count(pool, records: -lanes[lane].entries.count, bytes: -lanes[lane].bytes)
            let since = lanes[lane].since
            makeReady(lane, now: now)
            lanes[lane].since = since
        }
    }

    private mutating func makeReady(_ lane: Int, now: MonotonicInstant) {
        let pool = poolOf(lane)
        lanes[lane].state = .ready
        lanes[lane].since = now
        lanes[lane].pool = pool
        count(pool, records: lanes[lane].entries.count, bytes: lanes[lane].bytes)
        switch pool {
        case .shared: shared.lanes.append(lane)
        case .hot: hot.lanes.append(lane)
        }
    }

    /// Records that were with a worker and aren't done are the lane's again.
    private mutating func takeBack(_ lane: Int) {
        var number = lanes[lane].entries.first
        for _ in 0..<lanes[lane].out {
            lanes[lane].bytes += entries.bytes(number)
            number = entries.next(number)
        }
        lanes[lane].out = 0
    }

    private mutating func close(_ lane: Int) {
        lanes[lane] = Lane()
        freeLanes.append(lane)
    }
}
