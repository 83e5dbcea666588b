internal import SpillwayHTTP

/// What the OpenAPI document says of the console's routes.
enum ConsoleSpecification {
    /// A JSON body that a request must have.
    static func body(_ schema: String) -> String {
        #""requestBody": {"required": true, "content": {"application/json": {"schema": \#(OpenAPI.schema(schema))}}}"#
    }

    /// An answer of 200 with JSON.
    static func answer(_ meaning: String, _ schema: String) -> String {
        #"""
        "200": {
          "description": "\#(meaning)",
          "headers": {"Cache-Control": {"$ref": "#/components/headers/CacheControl"}},
          "content": {"application/json": {"schema": \#(OpenAPI.schema(schema))}}
        }
        """#
    }

    /// An answer of 204.
    static func done(_ meaning: String) -> String {
        #"""
        "204": {
          "description": "\#(meaning)",
          "headers": {"Cache-Control": {"$ref": "#/components/headers/CacheControl"}}
        }
        """#
    }
}
