internal import CLibuv
internal import CSpillwaySystem
internal import Glibc
internal import Synchronization

/// One thread that waits for sockets, timers and other threads (on libuv), and runs the Swift tasks that belong to it.
///
/// A task started with `Task.immediate(executorPreference: loop)` from a callback of the loop runs at once, and after
/// every suspension it comes back here. Work that reaches the loop from its own thread takes no lock and no wake-up;
/// work from other threads goes through a box whose wake-ups are joined. Nothing that runs here may block.
///
/// The thread holds the loop until ``shutdown()``, which closes every socket and timer that is still open.
@safe public final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Unchecked: `mailbox`, `state` and `thread` are safe from everywhere, all other state is touched only by the
    // loop's thread, and before that thread starts by `init`.

    /// The name of the thread; the kernel shows its first 15 bytes.
    public let name: String
    private let processor: Int?

    /// libuv's own state; its memory lives until the thread has ended.
    let uv: UnsafeMutablePointer<uv_loop_t>
    /// Where sockets of this loop read into; what a callback gets from it is valid in that callback only.
    let readBuffer: UnsafeMutableRawBufferPointer
    private let wakeUp: UnsafeMutablePointer<uv_async_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private let timer: UnsafeMutablePointer<uv_timer_t>

    private let mailbox = EventLoopMailbox()
    private let isStopping = Atomic<Bool>(false)
    private let thread = Mutex<pthread_t?>(nil)

    private var local: [EventLoopMailbox.Entry] = []
    private var batch: [EventLoopMailbox.Entry] = []
    private var received: [EventLoopMailbox.Entry] = []
    private var isDraining = false
    private var timers = DeadlineWheel()
    private var timerArmedFor = UInt64.max
    /// Set once the loop closes its handles: from then on no new one may be made.
    private(set) var isClosing = false

    /// Makes a loop and starts its thread.
    ///
    /// - Parameters:
    ///   - name: What tools show for the thread.
    ///   - processor: The processor that the thread stays on, counted from 0 among those that the process may use; nil: the
    ///     kernel chooses. Where there are not so many, it is ignored. It suits programs with a loop for each processor whose
    ///     other threads do little or can wait: the kernel likes to put threads that wake one another on one processor, and
    ///     as long as anything computes on the others, it leaves them there. What the loop starts stays on that processor
    ///     too, also threads of Swift's pool, so it does not suit programs that compute in tasks of the pool.
    /// - Throws: ``EventLoopError`` when the process is out of descriptors or threads.
    public init(name: String, processor: Int? = nil) throws {
        self.name = name
        self.processor = processor
        unsafe uv = .allocate(capacity: 1)
        unsafe wakeUp = .allocate(capacity: 1)
        unsafe idle = .allocate(capacity: 1)
        unsafe timer = .allocate(capacity: 1)
        unsafe readBuffer = .allocate(byteCount: 64 << 10, alignment: 16)
        var result = unsafe uv_loop_init(uv)
        if result == 0 {
            result = unsafe uv_async_init(uv, wakeUp) { handle in
                unsafe EventLoop.of(handle!.pointee.loop).receive()
            }
            if result != 0 { unsafe uv_loop_close(uv) }
        }
        if result != 0 {
            freeMemory()
            throw EventLoopError(code: .init(rawValue: result), operation: "making event loop \(name)")
        }
        unsafe uv.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        unsafe uv_idle_init(uv, idle)
        unsafe uv_timer_init(uv, timer)
        try start()
    }

    private func start() throws {
        var handle = pthread_t()
        let context = unsafe Unmanaged.passRetained(self)
        let result = unsafe pthread_create(
            &handle, nil,
            { context in
                unsafe Unmanaged<EventLoop>.fromOpaque(context!).takeRetainedValue().runThread()
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            unsafe context.release()
            closeHandles()
            unsafe uv_run(uv, UV_RUN_DEFAULT)
            unsafe uv_loop_close(uv)
            freeMemory()
            throw EventLoopError(code: .init(rawValue: -result), operation: "starting the thread of event loop \(name)")
        }
        thread.withLock { $0 = handle }
    }

    /// The loop whose thread this is; nil on every other thread.
    public static var current: EventLoop? {
        guard let pointer = unsafe spillway_current_loop() else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Whether the caller runs on this loop's thread.
    public var isCurrent: Bool {
        unsafe spillway_current_loop() == UnsafeMutableRawPointer(Unmanaged.passUnretained(self).toOpaque())
    }

    /// Runs the closure on the loop: after the present callback when called on the loop, else after one wake-up for all
    /// that came before it. In the order of the calls of one thread.
    ///
    /// On a loop that has stopped the closure runs at once on the calling thread, so that what waits for it ends.
    public func execute(_ body: @escaping @Sendable () -> Void) {
        if isCurrent {
            local.append(.body(body))
            return
        }
        if !deliver(.body(body)) { body() }
    }

    /// Takes a job of the Swift runtime; tasks call it. On a loop that has stopped the job runs on the global pool.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            local.append(.job(job))
            return
        }
        if !deliver(.job(job)) { globalConcurrentExecutor.enqueue(job) }
    }

    private func deliver(_ entry: sending EventLoopMailbox.Entry) -> Bool {
        switch mailbox.put(entry) {
        case .queued:
            return true
        case .wake:
            unsafe uv_async_send(wakeUp)
            mailbox.woke()
            return true
        case .closed:
            return false
        }
    }

    /// Stops the thread and waits for its end: closes every handle, runs what was handed over before, frees the memory.
    /// Must not be called on the loop itself. A second call returns at once.
    public func shutdown() {
        precondition(!isCurrent, "an event loop can't wait for its own end")
        guard !isStopping.exchange(true, ordering: .acquiringAndReleasing) else { return }
        execute { self.closeHandles() }
        if let handle = thread.withLock({ $0 }) { pthread_join(handle, nil) }
    }
}

// MARK: - The thread

extension EventLoop {
    /// Runs a callback of libuv and then every job that it made runnable.
    @inline(__always)
    func perform(_ body: () -> Void) {
        body()
        if !local.isEmpty { drain() }
    }

    static func of(_ uv: UnsafeMutablePointer<uv_loop_t>) -> EventLoop {
        unsafe Unmanaged<EventLoop>.fromOpaque(uv.pointee.data).takeUnretainedValue()
    }

    private func runThread() {
        unsafe spillway_set_thread_name(name)
        if let processor { _ = spillway_stay_on_processor(Int32(clamping: processor)) }
        unsafe spillway_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        Self.blockBrokenPipeSignal()
        // Returns when the last handle is closed, which only `closeHandles` brings about.
        unsafe uv_run(uv, UV_RUN_DEFAULT)
        while !local.isEmpty { drain() }
        let result = unsafe uv_loop_close(uv)
        precondition(result == 0, "event loop \(name) stopped with open handles")
        spillway_set_current_loop(nil)
        freeMemory()
    }

    /// Has writes to a socket that the other side has reset fail with an error instead of ending the process. The signal
    /// goes to the thread that writes, so it is enough to block it here and leave the process's settings alone.
    private static func blockBrokenPipeSignal() {
        var signals = sigset_t()
        // Both calls write to this set only.
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    private func freeMemory() {
        unsafe uv.deallocate()
        unsafe wakeUp.deallocate()
        unsafe idle.deallocate()
        unsafe timer.deallocate()
        unsafe readBuffer.deallocate()
    }

    /// Takes all that other threads handed over since the last wake-up.
    private func receive() {
        mailbox.take(into: &received)
        var entries: [EventLoopMailbox.Entry] = []
        swap(&entries, &received)
        for entry in entries { run(entry) }
        entries.removeAll(keepingCapacity: entries.capacity <= 4096)
        received = entries
        if !local.isEmpty { drain() }
    }

    private func run(_ entry: EventLoopMailbox.Entry) {
        switch entry {
        case .job(let job): unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        case .body(let body): body()
        }
    }

    /// Runs local work, in rounds so that tasks that go on for ever leave room for the sockets.
    private func drain() {
        if isDraining { return }
        isDraining = true
        var rounds = 0
        while !local.isEmpty && rounds < 64 {
            swap(&local, &batch)
            var entries: [EventLoopMailbox.Entry] = []
            swap(&entries, &batch)
            for entry in entries { run(entry) }
            entries.removeAll(keepingCapacity: entries.capacity <= 4096)
            batch = entries
            rounds += 1
        }
        isDraining = false
        if local.isEmpty || isStopping.load(ordering: .relaxed) { return }
        // The loop polls without waiting as long as an idle handle runs.
        unsafe uv_idle_start(idle) { handle in
            unsafe uv_idle_stop(handle)
            unsafe EventLoop.of(handle!.pointee.loop).drain()
        }
    }

    /// Closes every handle of the loop; `uv_run` returns once their callbacks ran.
    private func closeHandles() {
        isClosing = true
        for entry in mailbox.close() { run(entry) }
        // A sender that saw an empty box may still be inside `uv_async_send`.
        while !mailbox.isQuiet { sched_yield() }
        timers.removeAll()
        unsafe uv_walk(
            uv,
            { handle, _ in
                guard unsafe uv_is_closing(handle) == 0 else { return }
                if unsafe handle!.pointee.type == UV_TCP {
                    unsafe Unmanaged<TCPSocket>.fromOpaque(handle!.pointee.data).takeUnretainedValue().close()
                } else {
                    unsafe uv_close(handle, nil)
                }
            }, nil)
    }
}

// MARK: - Timers

extension EventLoop {
    /// Milliseconds on the loop's own clock, as of the present callback.
    package var nowMilliseconds: UInt64 { unsafe uv_now(uv) }

    /// Runs the closure on the loop after the duration, at the resolution of ``DeadlineWheel``, unless the timer is
    /// cancelled. To be called on the loop.
    @discardableResult
    package func schedule(after delay: Duration, _ body: @escaping () -> Void) -> EventLoopTimer {
        assert(isCurrent)
        let entry = EventLoopTimer(deadline: nowMilliseconds + Self.milliseconds(delay), body: body)
        armTimer(at: timers.insert(entry, now: nowMilliseconds))
        return entry
    }

    /// Whole milliseconds, rounded up; a hundred years stand for what is longer.
    package static func milliseconds(_ duration: Duration) -> UInt64 {
        UInt64(min(max(0, (duration / .milliseconds(1)).rounded(.up)), 3.2e12))
    }

    private func armTimer(at next: UInt64) {
        if next >= timerArmedFor { return }
        timerArmedFor = next
        let now = nowMilliseconds
        unsafe uv_timer_start(
            timer,
            { handle in
                unsafe EventLoop.of(handle!.pointee.loop).fireTimers()
            }, next > now ? next - now : 0, 0)
    }

    private func fireTimers() {
        timerArmedFor = .max
        for entry in timers.advance(to: nowMilliseconds) {
            perform { entry.fire() }
        }
        if let next = timers.nextDeadline { armTimer(at: next) }
    }

    /// Runs the closure on the loop and waits for its result.
    package func run<Success: Sendable>(
        _ body: @escaping @Sendable () throws -> Success
    ) async throws -> Success {
        try await withCheckedThrowingContinuation { continuation in
            execute { continuation.resume(with: Result { try body() }) }
        }
    }
}
