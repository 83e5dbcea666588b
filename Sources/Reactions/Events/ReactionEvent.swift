internal import CReactionEvents

/// What the log says of a reaction: "the user's reaction to the target is now this", never "one more".
///
/// On the wire it is the Protobuf message `spillway.reactions.v1.ReactionEvent`; the .proto is in the repository.
public struct ReactionEvent: Hashable, Sendable {
    /// Where a record came from; decides which of two wins.
    public enum Origin: UInt32, Hashable, Sendable {
        /// Through the log.
        case log = 0
        /// From a node's spool, while the log was away.
        case spool = 1
        /// Pushed directly, while the log was away.
        case push = 2
        /// Sent again by an operator.
        case requeue = 3
        /// Loaded from a file.
        case imported = 4
    }

    /// The target's id.
    public var targetID: String
    /// The target's type as the vote carried it.
    public var targetType: String
    /// The user's id: the token's `sub`.
    public var userID: String
    /// The reaction from now on.
    public var reaction: Reaction
    /// Orders what did not come through the log; see ``VersionClock``.
    public var version: UInt64
    /// Where the record came from.
    public var origin: Origin
    /// The projection keeps the state before this one under the record's position (idempotency keys need it).
    public var keepsPrevious: Bool

    /// Makes an event.
    public init(
        targetID: String, targetType: String, userID: String, reaction: Reaction, version: UInt64,
        origin: Origin = .log, keepsPrevious: Bool = false
    ) {
        self.targetID = targetID
        self.targetType = targetType
        self.userID = userID
        self.reaction = reaction
        self.version = version
        self.origin = origin
        self.keepsPrevious = keepsPrevious
    }

    /// The Protobuf bytes.
    public func encoded() -> [UInt8] {
        var target = targetID
        var type = targetType
        var user = userID
        return target.withUTF8 { target in
            type.withUTF8 { type in
                user.withUTF8 { user in
                    var set = unsafe reaction_set(
                        target_id: target.baseAddress, target_id_length: target.count,
                        target_type: type.baseAddress, target_type_length: type.count,
                        user_id: user.baseAddress, user_id_length: user.count, version: version,
                        reaction: UInt32(reaction.rawValue), origin: origin.rawValue, keep_previous: keepsPrevious)
                    // Safe: the three pointers live until the closures return, and nothing keeps them.
                    let size = unsafe reaction_set_packed_size(&set)
                    return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                        count = unsafe reaction_set_pack(&set, buffer.baseAddress)
                    }
                }
            }
        }
    }
}

/// Reads events from bytes without an allocation of its own beyond their strings; not for use by two threads at once.
@safe public struct ReactionEventDecoder: ~Copyable {
    /// Room for one event's fields: three ids at their largest, and the generated structs.
    private static let arenaSize = 4096
    private let arena: UnsafeMutablePointer<UInt8>

    /// Makes a decoder.
    public init() {
        unsafe arena = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.arenaSize)
    }

    deinit { unsafe arena.deallocate() }

    /// The event in the bytes; `nil` if they are none that this version can read, or break its limits.
    public func decode(_ bytes: ArraySlice<UInt8>) -> ReactionEvent? {
        var set = unsafe reaction_set()
        // Safe: the bytes live during the call; what `set` points to lives in the arena until the next call.
        let isEvent = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe reaction_set_unpack(bytes.baseAddress, bytes.count, &set, arena, Self.arenaSize)
        }
        guard isEvent == 1, unsafe set.reaction < 3, let reaction = unsafe Reaction(rawValue: UInt8(set.reaction)),
            let origin = unsafe ReactionEvent.Origin(rawValue: set.origin),
            let target = unsafe Self.string(set.target_id, set.target_id_length, max: 128),
            let type = unsafe Self.string(set.target_type, set.target_type_length, max: 64),
            let user = unsafe Self.string(set.user_id, set.user_id_length, max: 255)
        else { return nil }
        return unsafe ReactionEvent(
            targetID: target, targetType: type, userID: user, reaction: reaction, version: set.version,
            origin: origin, keepsPrevious: set.keep_previous)
    }

    private static func string(_ bytes: UnsafePointer<UInt8>?, _ length: Int, max: Int) -> String? {
        guard let bytes = unsafe bytes, length > 0, length <= max else { return nil }
        return unsafe String(validating: UnsafeBufferPointer(start: bytes, count: length), as: UTF8.self)
    }
}
