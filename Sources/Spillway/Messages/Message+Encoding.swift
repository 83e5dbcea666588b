import FoundationEssentials

/// Counterparts of ``Record/valueString`` and ``Record/json(_:)``, for messages that are sent several at a time.
extension Message {
    /// Makes a message of texts, as UTF-8.
    public init(key: String?, string: String, headers: [Header] = []) {
        self.init(key: key.map { Array($0.utf8) }, value: Array(string.utf8), headers: headers)
    }

    /// Makes a message whose value is JSON.
    ///
    /// - Throws: `EncodingError`.
    public init(key: String?, json value: some Encodable, headers: [Header] = []) throws {
        self.init(key: key.map { Array($0.utf8) }, value: Array(try JSONEncoder().encode(value)), headers: headers)
    }
}
