/// A cursor as text: the last entry's place, version and number in hexadecimal with a dash between.
enum ListCursor {
    static func text(_ place: ListPlace) -> String {
        String(place.version, radix: 16) + "-" + String(place.number, radix: 16)
    }

    static func place(_ text: String) throws(ReactionsError) -> ListPlace {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let version = UInt64(parts[0], radix: 16), let number = UInt64(parts[1], radix: 16)
        else {
            throw ReactionsError(
                .invalidCursor, "cursor is not one of this service: take it from next_cursor", field: "cursor")
        }
        return ListPlace(version: version, number: number)
    }
}
