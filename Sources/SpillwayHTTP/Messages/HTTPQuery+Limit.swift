extension HTTPQuery {
    /// The parameter `limit`: how many items of a list are wanted.
    ///
    /// - Throws: ``RequestError`` of 422 for what is no whole number in the range.
    package func limit(_ range: ClosedRange<Int>, default standard: Int) throws -> Int {
        guard let text = try first("limit") else { return standard }
        guard let limit = Int(text), range.contains(limit), text.utf8.allSatisfy({ $0 >= 0x30 }) else {
            throw RequestError.field("limit", "must be \(range.lowerBound) to \(range.upperBound)")
        }
        return limit
    }
}
