extension String {
    /// True if both are the same bytes of UTF-8, as names in keys are: `==` also takes an accented letter for the letter with
    /// the accent behind it.
    package func hasSameBytes(as other: String) -> Bool {
        // What is equal to ASCII without being it has more bytes.
        self == other && utf8.count == other.utf8.count
            && (utf8Span.isKnownASCII || utf8.elementsEqual(other.utf8))
    }
}
