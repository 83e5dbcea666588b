/// A request that can't be read (400) or has a field that is not allowed (422).
package struct RequestError: Error, Equatable {
    /// 400 or 422.
    package var status: Int
    /// For the client: what is wrong and what is allowed.
    package var detail: String
    /// The field's path, for 422.
    package var field: String?

    /// The request is not what its syntax asks for: 400.
    package static func malformed(_ detail: String) -> RequestError { RequestError(status: 400, detail: detail) }

    /// A field has a value that is not allowed: 422, and the detail begins with the field's path.
    package static func field(_ path: String, _ rule: String) -> RequestError {
        RequestError(status: 422, detail: "\(path) \(rule).", field: path)
    }
}

extension RequestError {
    /// Malformed JSON is 400; JSON of another shape than asked for is 422 and names the field.
    package init(decoding error: DecodingError) {
        switch error {
        case .typeMismatch(_, let context):
            let path = Self.path(context.codingPath)
            self = .field(path.isEmpty ? "The body" : path, "has the wrong type")
        case .valueNotFound(_, let context):
            let path = Self.path(context.codingPath)
            self = .field(path.isEmpty ? "The body" : path, "must not be null")
        case .keyNotFound(let key, let context):
            self = .field(Self.path(context.codingPath + [key]), "is missing")
        case .dataCorrupted(let context):
            let path = Self.path(context.codingPath)
            self = path.isEmpty ? .malformed("The body is not valid JSON.") : .field(path, "is not valid")
        @unknown default:
            self = .malformed("The body is not valid JSON.")
        }
    }

    /// `votes[3].target_id`.
    private static func path(_ keys: [any CodingKey]) -> String {
        var path = ""
        for key in keys {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return path
    }
}

extension RequestError: ProblemConvertible {
    /// 400, or 422 with the field.
    package var problem: Problem {
        Problem(
            status == 400 ? .badRequest : .unprocessableContent, detail: detail,
            members: field.map { [("field", .string($0))] } ?? [])
    }
}
