import Spillway
import SpillwayCore
import Synchronization

/// Notes what handlers have done, and tells them what to do.
final class HandledRecords: Sendable {
    /// What a handler does with a record.
    enum Instruction: Sendable {
        case handle
        /// Throws what may work later.
        case fail
        /// Throws what can't ever work.
        case refuse
        /// Does not return until it is let go, or cancelled.
        case block
    }

    private struct State: Sendable {
        var values: [String] = []
        var byKey: [String: [String]] = [:]
        var attempts: [String: Int] = [:]
        var begun: [String] = []
        var cancelled: [String] = []
        var instructions: [String: Instruction] = [:]
        var failuresLeft: [String: Int] = [:]
    }

    private let state = Mutex(State())

    /// The values that were handled, repeats included.
    var values: [String] { state.withLock { $0.values } }
    /// The values of each key in the order in which they were handled.
    var byKey: [String: [String]] { state.withLock { $0.byKey } }
    /// The values whose handling has begun, repeats included.
    var begun: [String] { state.withLock { $0.begun } }
    /// The values whose handlers were cancelled.
    var cancelled: [String] { state.withLock { $0.cancelled } }
    /// How many different values were handled.
    var count: Int { state.withLock { Set($0.values).count } }

    func attempts(_ value: String) -> Int { state.withLock { $0.attempts[value] ?? 0 } }

    /// Says what handlers do with a value from now on.
    func tell(_ value: String, _ instruction: Instruction) { state.withLock { $0.instructions[value] = instruction } }

    /// Lets a value fail so many times before it works.
    func fail(_ value: String, times: Int) { state.withLock { $0.failuresLeft[value] = times } }

    fileprivate func begin(_ value: String, attempt: Int) -> Instruction {
        state.withLock { state in
            state.begun.append(value)
            state.attempts[value] = max(attempt, state.attempts[value] ?? 0)
            if let left = state.failuresLeft[value], left > 0 {
                state.failuresLeft[value] = left - 1
                return .fail
            }
            return state.instructions[value] ?? .handle
        }
    }

    fileprivate func isBlocked(_ value: String) -> Bool {
        state.withLock { state in
            if case .block = state.instructions[value] { true } else { false }
        }
    }

    fileprivate func noteCancelled(_ value: String) { state.withLock { $0.cancelled.append(value) } }

    fileprivate func note(_ record: Record, _ value: String) {
        let key = String(decoding: record.key ?? [], as: UTF8.self)
        state.withLock { state in
            state.values.append(value)
            state.byKey[key, default: []].append(value)
        }
    }
}

/// Does what it is told, and notes it.
struct ObedientHandler: SingleHandler {
    let records: HandledRecords

    func decode(_ record: Record) throws -> String { String(decoding: record.value ?? [], as: UTF8.self) }

    func handle(_ value: String, context: HandlingContext) async throws {
        switch records.begin(value, attempt: context.attempt) {
        case .handle: break
        case .fail: throw HandlerError(.unavailable, "told to fail", isRetriable: true)
        case .refuse: throw HandlerError(.rejected, "told to refuse", isRetriable: false)
        case .block:
            while records.isBlocked(value) {
                do { try await Task.sleep(for: .milliseconds(1)) } catch {
                    records.noteCancelled(value)
                    throw error
                }
            }
        }
        records.note(context.record, value)
    }
}
