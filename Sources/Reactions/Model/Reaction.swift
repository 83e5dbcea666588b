/// A user's reaction to a target.
public enum Reaction: UInt8, Hashable, Sendable, CaseIterable {
    /// No reaction; a row in this state stays as a tombstone.
    case none = 0
    /// A like.
    case like = 1
    /// A dislike.
    case dislike = 2

    /// The word for it in requests and answers.
    public var name: String {
        switch self {
        case .none: "none"
        case .like: "like"
        case .dislike: "dislike"
        }
    }

    /// Reads the word of a request; `nil` for any other.
    public init?(name: String) {
        switch name {
        case "none": self = .none
        case "like": self = .like
        case "dislike": self = .dislike
        default: return nil
        }
    }
}

/// How many users like and dislike a target. Never clamped: a negative count is a bug and is reported.
public struct Counts: Hashable, Sendable {
    /// Users whose reaction is like.
    public var likes: Int64
    /// Users whose reaction is dislike.
    public var dislikes: Int64

    /// Makes counts.
    public init(likes: Int64 = 0, dislikes: Int64 = 0) {
        self.likes = likes
        self.dislikes = dislikes
    }
}

/// One vote of a user.
public struct Vote: Hashable, Sendable {
    /// 1 to 128 characters of `A-Z a-z 0-9 _ - . : ~`.
    public var targetID: String
    /// One of the configured types.
    public var targetType: String
    /// What the user's reaction is to become.
    public var reaction: Reaction

    /// Makes a vote.
    public init(targetID: String, targetType: String, reaction: Reaction) {
        self.targetID = targetID
        self.targetType = targetType
        self.reaction = reaction
    }
}
