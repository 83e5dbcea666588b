import FoundationEssentials

/// Counterparts of `Producer`'s sends, for `decode` of a handler.
extension Record {
    private static let decoder = JSONDecoder()

    /// The key as UTF-8, what is not UTF-8 replaced; `nil` if the record has no key.
    public var keyString: String? { key.map { String(decoding: $0, as: UTF8.self) } }

    /// The value as UTF-8, what is not UTF-8 replaced; `nil` for a tombstone.
    public var valueString: String? { value.map { String(decoding: $0, as: UTF8.self) } }

    /// The value, read as JSON.
    ///
    /// - Throws: ``HandlerError`` with ``HandlerError/Code/undecodable``, which is permanent, for a tombstone or for what
    ///   is not the JSON of such a value.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        guard let value else { throw HandlerError(.undecodable, "the record has no value", isRetriable: false) }
        do {
            return try Self.decoder.decode(type, from: Data(value))
        } catch {
            throw HandlerError(.undecodable, "the value is no \(type) in JSON", isRetriable: false, cause: error)
        }
    }
}
