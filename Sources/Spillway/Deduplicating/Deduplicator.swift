public import SpillwayCore

/// Remembers which events were handled, so that one which is delivered again takes effect once.
///
/// An event's id is claimed before it is handled, and marked after its effect is durable:
///
///     begin ── first ──► handle ── worked ──► complete: marked for the store's lifetime
///       │                   └───── failed ──► abandon: the next one may begin
///       ├── duplicate: it was handled; pass it over
///       └── inProgress: somebody else handles it now; come back
///
/// What every store keeps, and `DeduplicatorConformance` in SpillwayTesting checks:
///
/// - Of any number of concurrent `begin` of one id exactly one is the first, until it abandons or its lease passes.
/// - An id is a duplicate only after a `complete` for it was accepted, and from when that returned until its lifetime
///   is over. The mark is as durable as the store: on return of `complete`.
/// - A holder that is gone blocks its id until the lease passes and no longer; a store that goes with the holder's process
///   may let it go at once. From when somebody else has taken the
///   id, what the late one completes or abandons changes nothing. While nobody has, a late completion may still be
///   accepted: the effect is there, and so should the mark be.
/// - Entries and bytes stay within ``DeduplicatorLimits``. Claims count as what they will become, so a completion
///   never lacks room.
///
/// A crash between the effect and `complete` makes the event take effect again when it is redelivered; no store of
/// its own can close that window, only the transaction that makes the effect. `docs/IDEMPOTENCY.md` says when to use
/// which.
///
/// Everything may be called from anywhere. What has started to be completed is completed although the caller's task is
/// cancelled meanwhile.
public protocol Deduplicator: Sendable {
    /// Asks for ids in one go; the answers come in their order. An id that stands twice in the list is in progress
    /// the second time.
    ///
    /// - Throws: ``DeduplicatorError``; nothing is claimed then.
    func begin(_ ids: [EventID]) async throws -> [DeduplicationAnswer]

    /// Marks events as handled, whose effects are durable; the marks are durable on return.
    ///
    /// - Returns: for each claim whether it was accepted; false if its lease had passed and somebody else took the id,
    ///   or it was completed or abandoned before.
    /// - Throws: ``DeduplicatorError``; the claims hold on then, and may be completed again.
    func complete(_ claims: [EventClaim]) async throws -> [Bool]

    /// Gives claims back whose events did not take effect. If it can't be told to the store, the lease ends them.
    func abandon(_ claims: [EventClaim]) async

    /// What the store holds; at once, so a driver of a remote store says what it heard last.
    var figures: DeduplicatorFigures { get }
}

/// What a ``Deduplicator`` says of an id.
public enum DeduplicationAnswer: Hashable, Sendable {
    /// Nobody has handled the event: handle it, then complete or abandon the claim.
    case first(EventClaim)
    /// It was handled.
    case duplicate
    /// Somebody handles it now: ask again, at the latest when their lease ends.
    case inProgress(leaseEndsIn: Duration)
    /// The event is new, and there is no room to remember it.
    case full
}

/// The right to handle an event.
public struct EventClaim: Hashable, Sendable {
    /// The event.
    public var id: EventID
    /// Grows with each claim of the store, so that of two holders of one id the later one has the greater number; also
    /// over restarts, where the store outlives its process. At most 2⁶³ - 1 in practice, so that it fits a signed column.
    public var number: UInt64
    /// When the lease passes, by the clock of this process.
    public var expires: MonotonicInstant

    /// Makes a claim; only stores do.
    public init(id: EventID, number: UInt64, expires: MonotonicInstant) {
        self.id = id
        self.number = number
        self.expires = expires
    }
}

/// What a ``Deduplicator`` holds.
public struct DeduplicatorFigures: Hashable, Sendable {
    /// Events that are remembered, also those that have expired and are not collected yet, and claims.
    public var entries: Int
    /// Bytes of them.
    public var bytes: Int
    /// Claims among them.
    public var claims: Int
    /// Marks that were forgotten before their time since the store was opened.
    public var evicted: Int

    /// Makes figures.
    public init(entries: Int = 0, bytes: Int = 0, claims: Int = 0, evicted: Int = 0) {
        self.entries = entries
        self.bytes = bytes
        self.claims = claims
        self.evicted = evicted
    }
}

extension Deduplicator {
    /// Asks for one id.
    public func begin(_ id: EventID) async throws -> DeduplicationAnswer { try await begin([id])[0] }

    /// Marks one event as handled; false if the claim had been taken over.
    @discardableResult
    public func complete(_ claim: EventClaim) async throws -> Bool { try await complete([claim])[0] }

    /// Gives one claim back.
    public func abandon(_ claim: EventClaim) async { await abandon([claim]) }

    /// Runs the effect of an event unless it took place before.
    ///
    /// - Parameter effect: must be durable when it returns; gets the claim, whose number a store of the user's own can
    ///   compare, to refuse the effect of a holder whose lease has passed.
    /// - Returns: `nil` if the event had been handled.
    /// - Throws: what the effect throws, and the event may be handled again then. ``DeduplicatorError`` with
    ///   ``DeduplicatorError/Code/markFailed`` if the effect ran and its mark could not be written: it is there, and may
    ///   come again once the claim's lease has passed, so it is not retriable. With any other code, such as
    ///   ``DeduplicatorError/Code/inProgress`` or ``DeduplicatorError/Code/full``, the effect did not run.
    public func once<Effect: Sendable>(
        _ id: EventID, _ effect: (EventClaim) async throws -> Effect
    ) async throws -> Effect? {
        switch try await begin(id) {
        case .duplicate: return nil
        case .inProgress: throw DeduplicatorError(.inProgress, "the event is being handled: try again")
        case .full: throw DeduplicatorError.storeIsFull
        case .first(let claim):
            let result: Effect
            do { result = try await effect(claim) } catch {
                await abandon(claim)
                throw error
            }
            do { try await complete(claim) } catch {
                throw DeduplicatorError(
                    .markFailed, "the event took effect and could not be marked, so it may take effect again: \(error)",
                    isRetriable: false, cause: error)
            }
            return result
        }
    }
}

extension DeduplicatorError {
    static let storeIsFull = DeduplicatorError(
        .full, "the deduplicator has no room: raise maxEntries or maxBytes, or shorten the lifetime")
}
