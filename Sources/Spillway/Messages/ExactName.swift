/// A name, or a user's id, as a key: two are one only if their bytes are.
///
/// `String` compares as Unicode does: an accented letter is equal to the letter with the accent behind it. Stores keep
/// names as bytes, so what is remembered of a name in memory has to go by them too.
package struct ExactName: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
