/// What one part of a service adds to the OpenAPI 3.1 document of the whole: the parts' routes are registered on one router,
/// and one document describes them all.
///
/// Each text is one member of the document's object of that kind, as JSON: `"/v1/things": {"get": …}`. References may lead to
/// what other parts define.
public struct OpenAPIFragment: Sendable {
    /// Members of the list of tags: objects.
    public var tags: [String]
    /// Members of `paths`.
    public var paths: [String]
    /// Members of `components/parameters`.
    public var parameters: [String]
    /// Members of `components/responses`.
    public var responses: [String]
    /// Members of `components/schemas`.
    public var schemas: [String]

    /// Makes a fragment.
    public init(
        tags: [String] = [], paths: [String] = [], parameters: [String] = [], responses: [String] = [],
        schemas: [String] = []
    ) {
        self.tags = tags
        self.paths = paths
        self.parameters = parameters
        self.responses = responses
        self.schemas = schemas
    }
}

/// The pieces that all operations of a document share.
package enum OpenAPI {
    /// The statuses with which any request may be refused before a route sees it.
    private static let always = [400, 408, 413, 414, 417, 431, 500, 503]

    /// The members of `responses` for refusals: those that any request may meet, and these.
    package static func refusals(_ statuses: Int...) -> String {
        Set(always + statuses).sorted().map { status in
            "\"\(status)\": {\"$ref\": \"#/components/responses/Refusal\(status)\"}"
        }.joined(separator: ",\n        ")
    }

    /// A member of `components/responses`: a refusal, which is a problem.
    ///
    /// - Parameter header: a header that goes with it, and the component that describes it.
    package static func refusal(
        _ status: Int, _ meaning: String, header: (name: String, component: String)? = nil
    ) -> String {
        let headers = header.map {
            "\"headers\": {\"\($0.name)\": {\"$ref\": \"#/components/headers/\($0.component)\"}}, "
        }
        return #"""
              "Refusal\#(status)": {
                "description": "\#(meaning)",
                \#(headers ?? "")"content": {
                  "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }
              }
            """#
    }

    /// A reference to a parameter of this name.
    package static func parameter(_ name: String) -> String { "{\"$ref\": \"#/components/parameters/\(name)\"}" }

    /// A reference to a schema of this name.
    package static func schema(_ name: String) -> String { "{\"$ref\": \"#/components/schemas/\(name)\"}" }

    /// What a token is needed for.
    package static let tokenNeeded = #""security": [{"bearer": []}]"#
    /// A token changes the answer, and none is needed.
    package static let tokenOptional = #""security": [{}, {"bearer": []}]"#
    /// A token makes no difference.
    package static let tokenIgnored = #""security": []"#
}
