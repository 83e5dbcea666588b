/// A request that can't be read (400) or has a field that is not allowed (422).
struct RequestError: Error, Equatable {
    /// What ids of targets must look like, to follow a field's name.
    static let targetRule = "must be 1 to 128 characters of A-Z a-z 0-9 _ - . : ~"

    /// 400 or 422.
    var status: Int
    /// For the client: what is wrong and what is allowed.
    var detail: String
    /// The field's path, for 422.
    var field: String?

    /// The request is not what its syntax asks for: 400.
    static func malformed(_ detail: String) -> RequestError { RequestError(status: 400, detail: detail) }

    /// A field has a value that is not allowed: 422, and the detail begins with the field's path.
    static func field(_ path: String, _ rule: String) -> RequestError {
        RequestError(status: 422, detail: "\(path) \(rule).", field: path)
    }
}

extension RequestError {
    /// Malformed JSON is 400; JSON of another shape than asked for is 422 and names the field.
    init(decoding error: DecodingError) {
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
