import Testing

/// `#expect` for conditions that change what they look at, which the macro can't take apart.
func check(_ condition: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
    // The macro is slow, and walks check millions of times.
    if !condition { #expect(condition, comment, sourceLocation: sourceLocation) }
}

/// `#require` for expressions that change what they look at.
func unwrap<Value>(_ value: Value?, sourceLocation: SourceLocation = #_sourceLocation) throws -> Value {
    try #require(value, sourceLocation: sourceLocation)
}
