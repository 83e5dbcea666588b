/// A user's id as a key: two ids are one only if their bytes are.
///
/// `String` compares as Unicode does: an accented letter is equal to the letter with the accent behind it. As ids these are
/// two people, in tokens and in the store alike.
package struct UserKey: Hashable, Sendable {
    package let id: String

    package init(_ id: String) { self.id = id }

    package static func == (left: Self, right: Self) -> Bool {
        // What is equal to ASCII without being it has more bytes.
        left.id == right.id && left.id.utf8.count == right.id.utf8.count
            && (left.id.utf8Span.isKnownASCII || left.id.utf8.elementsEqual(right.id.utf8))
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
