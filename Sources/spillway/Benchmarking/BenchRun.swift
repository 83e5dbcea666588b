import CSpillwaySystem
import Glibc
import SpillwayCore

/// Sends requests at their due times over a fixed number of connections and measures each from its due time to the end
/// of its answer: one thread, one loop on poll(2). A request that is due while every connection is busy waits for one,
/// and that wait counts.
struct BenchRun {
    /// After the last request fell due: how long answers may still come, in seconds.
    private static let grace = 2.0

    private let requests: BenchRequests
    private let address: BenchAddress
    private let duration: Double
    private let report: (BenchProgress) -> Void
    private let start = SystemTimeSource().now()
    private var schedule: BenchSchedule
    private var random: FastRandom
    private var connections: [BenchConnection]
    private var idle: [Int] = []
    private var waits: [pollfd]
    private var recorders = [BenchRecorder(), BenchRecorder()]
    private var progress = BenchProgress()
    private var input = [UInt8](repeating: 0, count: 64 << 10)

    /// - Parameters:
    ///   - rates: requests a second of each kind.
    ///   - duration: seconds.
    ///   - report: called each second.
    init(
        requests: BenchRequests, address: BenchAddress, rates: [Double], duration: Double, connections: Int,
        report: @escaping (BenchProgress) -> Void
    ) {
        self.requests = requests
        self.address = address
        self.duration = duration
        self.report = report
        let seed = start.nanoseconds
        schedule = BenchSchedule(rates: rates, end: duration, seed: seed)
        random = FastRandom(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        self.connections = Array(repeating: BenchConnection(), count: connections)
        waits = Array(repeating: pollfd(fd: -1, events: 0, revents: 0), count: connections)
    }

    /// Runs to the end; returns the recorders of votes and summaries.
    mutating func run() -> [BenchRecorder] {
        for index in connections.indices { connect(index, 0) }
        while true {
            let now = (SystemTimeSource().now() - start).inSeconds
            let isOver = schedule.next == nil && now >= duration
            if isOver, !connections.contains(where: \.isBusy) || now > duration + Self.grace { break }
            if now > duration + Self.grace { break }
            reportEachSecond(now)
            sendDue(now)
            waitForEvents(now)
            handleEvents()
        }
        countUnanswered()
        return recorders
    }

    private mutating func connect(_ index: Int, _ now: Double) {
        connections[index].connect(to: address.endpoint, now: now)
        watch(index)
    }

    private mutating func watch(_ index: Int) {
        waits[index].fd = connections[index].descriptor
        waits[index].events = connections[index].events
    }

    private mutating func sendDue(_ now: Double) {
        while let index = idle.last, let (kind, due) = schedule.take(at: now) {
            idle.removeLast()
            connections[index].output.removeAll(keepingCapacity: true)
            connections[index].sent = 0
            requests.write(kind, to: &connections[index].output, &random)
            connections[index].state = .busy(kind, due: due)
            if !connections[index].send() { breakOff(index, now) }
            watch(index)
        }
    }

    private mutating func waitForEvents(_ now: Double) {
        let nextDue = idle.isEmpty ? nil : schedule.next
        let seconds = min(0.05, max(0, (nextDue ?? .infinity) - now))
        unsafe waits.withUnsafeMutableBufferPointer { buffer in
            _ = unsafe spillway_poll(buffer.baseAddress, UInt32(buffer.count), Int64(seconds * 1e9))
        }
    }

    private mutating func handleEvents() {
        let now = (SystemTimeSource().now() - start).inSeconds
        for index in connections.indices {
            if case .closed(let retryAt) = connections[index].state {
                if now >= retryAt { connect(index, now) }
            } else if waits[index].revents != 0 {
                handle(index, now)
                watch(index)
            }
        }
    }

    private mutating func handle(_ index: Int, _ now: Double) {
        switch connections[index].state {
        case .closed: break
        case .connecting:
            connections[index].finishConnecting(now: now)
            if connections[index].state == .idle { idle.append(index) } else { progress.broken += 1 }
        case .idle:
            // The server closes it: nothing else may come now.
            idle.removeAll { $0 == index }
            connections[index].close(retryAt: now)
        case .busy(let kind, let due):
            guard connections[index].send(), let outcome = connections[index].receive(into: &input) else {
                return breakOff(index, now)
            }
            switch outcome {
            case .incomplete: break
            case .malformed: breakOff(index, now)
            case .complete(let status, let closes):
                recorders[kind.rawValue].record(status: status, seconds: now - due)
                progress.count(kind, good: status == 200, seconds: now - due)
                connections[index].state = .idle
                if closes { connections[index].close(retryAt: now) } else { idle.append(index) }
            }
        }
    }

    /// A connection is gone under a request.
    private mutating func breakOff(_ index: Int, _ now: Double) {
        if case .busy(let kind, let due) = connections[index].state {
            recorders[kind.rawValue].record(status: 0, seconds: now - due)
            progress.count(kind, good: false, seconds: now - due)
        }
        connections[index].close(retryAt: now)
    }

    private mutating func reportEachSecond(_ now: Double) {
        guard now >= Double(progress.second + 1) else { return }
        progress.second = Int(now)
        progress.lateSeconds = schedule.next.map { max(0, now - $0) } ?? 0
        report(progress)
        progress.beginSecond()
    }

    /// What was never answered, or never even sent since every connection was busy.
    private mutating func countUnanswered() {
        let end = (SystemTimeSource().now() - start).inSeconds
        for index in connections.indices {
            if case .busy(let kind, let due) = connections[index].state {
                recorders[kind.rawValue].recordUnanswered(seconds: end - due)
            }
            connections[index].close(retryAt: .infinity)
        }
        while let (kind, due) = schedule.take(at: .infinity) {
            recorders[kind.rawValue].recordUnanswered(seconds: end - due)
        }
    }
}

extension BenchConnection {
    /// Whether a request waits for its answer here.
    var isBusy: Bool {
        if case .busy = state { return true }
        return false
    }
}
