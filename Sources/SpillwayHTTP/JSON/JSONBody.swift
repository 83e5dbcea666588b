internal import FoundationEssentials

/// Reads bodies of requests as JSON.
package enum JSONBody {
    private static let decoder = JSONDecoder()

    /// Decodes a body: malformed JSON is a ``RequestError`` of 400, JSON of another shape one of 422 that names the field.
    /// Members that the type does not ask for are left alone.
    package static func decode<T: Decodable>(_ type: T.Type, _ body: [UInt8]) throws -> T {
        guard !body.isEmpty else { throw RequestError.malformed("The body is empty; send a JSON object.") }
        guard JSONSyntax.isValid(body) else {
            throw RequestError.malformed("The body is not valid JSON in UTF-8.")
        }
        do {
            return try decoder.decode(type, from: Data(body))
        } catch let error as DecodingError {
            throw RequestError(decoding: error)
        } catch let error as RequestError {
            // The type itself knew what is wrong.
            throw error
        } catch {
            throw RequestError.malformed("The body is not valid JSON.")
        }
    }
}

extension HTTPRequest {
    /// Decodes the body, which must say that it is JSON.
    ///
    /// - Throws: ``Problem`` 415 for another type; ``RequestError`` as ``JSONBody`` does.
    package func decodeJSON<T: Decodable>(_ type: T.Type) throws -> T {
        try requireJSON()
        return try JSONBody.decode(type, body)
    }

    /// Refuses a body that is not JSON (415).
    package func requireJSON() throws(Problem) {
        let isJSON = withHeader(.contentType) { value in Self.isJSON(value) } ?? false
        guard isJSON else {
            throw Problem(.unsupportedMediaType, detail: "Content-Type must be application/json")
        }
    }

    private static func isJSON(_ value: Span<UInt8>) -> Bool {
        let wanted: StaticString = "application/json"
        let count = wanted.utf8CodeUnitCount
        guard value.count >= count else { return false }
        // A constant's bytes live for ever.
        for index in 0..<count where unsafe value[index] | 0x20 != wanted.utf8Start[index] | 0x20 { return false }
        return value.count == count || value[count] == UInt8(ascii: ";") || value[count] == UInt8(ascii: " ")
    }
}
