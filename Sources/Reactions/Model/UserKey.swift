internal import Spillway

/// A user's id as a key: two ids are one only if their bytes are.
///
/// `String` compares as Unicode does: an accented letter is equal to the letter with the accent behind it. As ids these are
/// two people, in tokens and in the store alike.
package struct UserKey: Hashable, Sendable {
    package let id: String

    package init(_ id: String) { self.id = id }

    package static func == (left: Self, right: Self) -> Bool { left.id.hasSameBytes(as: right.id) }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
