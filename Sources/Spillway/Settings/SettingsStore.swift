/// What somebody set, who and when.
public struct SettingsEntry: Sendable, Equatable {
    /// What the settings are of, such as `consumer/mailer`.
    public var name: String
    /// Counts the changes of this name, from 1.
    public var revision: Int
    /// The settings as they were written, JSON.
    public var value: [UInt8]
    /// Who changed them; for people.
    public var author: String
    /// When, in milliseconds since 1970 UTC.
    public var atMs: Int64

    /// Makes an entry.
    public init(name: String, revision: Int, value: [UInt8], author: String, atMs: Int64) {
        self.name = name
        self.revision = revision
        self.value = value
        self.author = author
        self.atMs = atMs
    }
}

/// Keeps settings that change while a program runs, with their history: the last thousand revisions of each name. Names
/// are compared by their bytes. `SettingsStoreConformance` in SpillwayTesting checks what every store has to do.
public protocol SettingsStore: Sendable {
    /// The newest entry of a name; `nil` if nobody has set anything.
    ///
    /// A consumer that starts asks for it, and what this throws decides how it goes on.
    ///
    /// - Throws: ``SettingsError`` if it can't be read whoever asks again, as when it is damaged: the consumer starts
    ///   paused then, with what the program configured. Any other error means "try again": the consumer does not start
    ///   before it has an answer, and asks with backoff, for ever.
    func current(_ name: String) async throws -> SettingsEntry?

    /// The entries of a name, newest first, at most so many.
    func history(_ name: String, limit: Int) async throws -> [SettingsEntry]

    /// Stores the next revision of a name; durable on return, where the store can.
    ///
    /// - Parameter revision: the revision that the change was made from, 0 for none: somebody else's change is not
    ///   overwritten unseen.
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/conflict`` if the newest revision is another one, which
    ///   ``SettingsError/newestRevision`` names. After any other error it may be stored or not: a consumer looks with
    ///   ``current(_:)``, and goes over to what it finds.
    func put(
        _ name: String, value: [UInt8], author: String, atMs: Int64, after revision: Int
    ) async throws -> SettingsEntry
}

/// How many revisions of a name are kept.
package let keptSettingsRevisions = 1_000

/// What went wrong with settings.
public struct SettingsError: RetriableError, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// A setting is unknown, of the wrong kind or out of its range; nothing was changed.
        public static let invalid = Code("invalid")
        /// Somebody else has changed them meanwhile; nothing was changed.
        public static let conflict = Code("conflict")
        /// What is stored can't be read.
        public static let failed = Code("failed")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same call may succeed later.
    public var isRetriable: Bool { false }
    /// The error below, if there is one.
    public var cause: (any Error)?
    /// Of a conflict: the revision that the store has, if it is known. With it a change can be made also from settings
    /// that can't be read.
    public var newestRevision: Int?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
