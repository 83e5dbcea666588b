import FoundationEssentials
import Glibc
import Spillway
import SpillwayRocksDB
import Synchronization
import Testing

/// What SIGKILL leaves of a store that is being filled.
@Suite struct FailureStoreKillTests {
    @Test(arguments: [20, 150, 700])
    func aRecordThatWasMovedIsInOnePlace(_ calls: Int) async throws {
        let directory = TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, calls = calls as Int] in
            try await FilledStore(path).fill(killedAfter: calls)
        }
        let acknowledged = try FilledStore.acknowledged(path)
        #expect(acknowledged.count >= 1)
        let database = try Database.open(path + "/data")
        #expect(!database.wasCleanShutdown)
        let store = try RocksFailureStore(database)
        let delayed = try await store.delayedLows()
        let letters = try await store.deadLetters(group: nil, after: nil, limit: 100_000).map(\.name.position.low)
        let (inSide, inLetters) = (Set(delayed), Set(letters))
        #expect(inSide.isDisjoint(with: inLetters))
        for (number, step) in acknowledged {
            switch step {
            // The next step may have been durable before it was acknowledged.
            case .put: #expect(inSide.contains(number) || inLetters.contains(number), "\(number) is lost")
            case .bury:
                let goesBack = FilledStore.isRequeued(number)
                #expect(inLetters.contains(number) || (goesBack && inSide.contains(number)), "\(number) is lost")
            case .requeue: #expect(inSide.contains(number), "\(number) is lost")
            }
        }
        #expect(delayed.count + letters.count <= acknowledged.count + FilledStore.callers)
        #expect(try await store.sideCount(group: "g").records == delayed.count)
        #expect(try await store.deadLetterCount(group: nil).records == letters.count)
        store.close()
        try database.close()
    }
}

/// Moves records through a store, and notes in a file beside it what was acknowledged.
private struct FilledStore: Sendable {
    enum Step: String {
        case put
        case bury
        case requeue
    }

    static let callers = 8
    private let path: String

    init(_ path: String) { self.path = path }

    /// Whether a record goes back to the side queue in the end.
    static func isRequeued(_ number: UInt64) -> Bool { number % 3 == 0 }

    /// Fills until so many steps are acknowledged, and then ends its process in the middle of the others.
    func fill(killedAfter calls: Int) async throws {
        let notes = try Notes(path + "/notes", killingAfter: calls)
        let store = try RocksFailureStore(try Database.open(path + "/data"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<UInt64(Self.callers) {
                group.addTask { try await Self.move(from: caller, in: store, notes) }
            }
            try await group.waitForAll()
        }
    }

    private static func move(from caller: UInt64, in store: RocksFailureStore, _ notes: Notes) async throws {
        var number = caller
        while true {
            let name = recordName(number)
            try await store.apply([.put(sideEntry(name, dueMs: Int64(number)))], group: "g", generations: [:])
            notes.add(.put, number)
            try await store.apply([.bury(deadLetter(name))], group: "g", generations: [:])
            notes.add(.bury, number)
            if isRequeued(number) {
                _ = try await store.requeueDeadLetters([name], dueMs: 0)
                notes.add(.requeue, number)
            }
            number += UInt64(callers)
        }
    }

    /// The last step of each record that was acknowledged.
    static func acknowledged(_ path: String) throws -> [UInt64: Step] {
        guard let data = FileManager.default.contents(atPath: path + "/notes") else { return [:] }
        let text = String(decoding: data, as: UTF8.self)
        var steps: [UInt64: Step] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let number = UInt64(words[0]), let step = Step(rawValue: String(words[1])) else {
                continue
            }
            steps[number] = step
        }
        return steps
    }
}

/// A file of acknowledged steps; the process ends in the call that adds the last one.
private final class Notes: Sendable {
    private let descriptor: Int32
    private let left: Atomic<Int>

    init(_ path: String, killingAfter steps: Int) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        try #require(descriptor >= 0)
        left = Atomic(steps)
    }

    func add(_ step: FilledStore.Step, _ number: UInt64) {
        let line = Array("\(number) \(step.rawValue)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        if left.subtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), SIGKILL) }
    }
}
