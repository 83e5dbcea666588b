/// A place in a YAML file; both count from 1.
struct YAMLMark: Sendable, Equatable {
    let line: Int
    let column: Int
}

/// One value of a YAML document.
struct YAMLNode: Sendable, Equatable {
    /// What a node holds.
    indirect enum Content: Sendable, Equatable {
        case scalar(String)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    let content: Content
    let mark: YAMLMark
}

/// A key of a mapping with its value.
struct YAMLEntry: Sendable, Equatable {
    let key: String
    let mark: YAMLMark
    let value: YAMLNode
}
