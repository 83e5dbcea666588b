import CYAML

/// Reads one YAML document by libyaml's events. Anchors and aliases, keys that are not plain texts, keys that come
/// twice, a second document and deep nesting are refused: a configuration needs none of them.
@safe struct YAMLReader: ~Copyable {
    private static let deepest = 16
    private static let mostBytes = 1 << 20

    /// Owned by this reader; on the heap, since libyaml keeps pointers into it.
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// The document's root; nil for an empty file.
    static func read(_ bytes: [UInt8]) throws(ConfigurationFileError) -> YAMLNode? {
        guard bytes.count <= mostBytes else {
            throw ConfigurationFileError(YAMLMark(line: 1, column: 1), "the file is larger than 1 MiB")
        }
        // libyaml reads the input while the parser lives, so a copy of it must outlive the parser.
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        defer { unsafe input.deallocate() }
        _ = unsafe input.initialize(from: bytes)
        var reader = unsafe YAMLReader(UnsafeBufferPointer(rebasing: input[..<bytes.count]))
        return try reader.document()
    }

    private init(_ input: UnsafeBufferPointer<UInt8>) {
        unsafe parser = .allocate(capacity: 1)
        let initialized = unsafe yaml_parser_initialize(parser)
        precondition(initialized == 1, "libyaml has no memory for a parser")
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    private enum Event {
        case streamEnd
        case documentStart
        case scalar(String)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
        case other
    }

    private mutating func document() throws(ConfigurationFileError) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let (event, mark) = try next()
            switch event {
            case .streamEnd: return root
            case .documentStart:
                guard root == nil else { throw ConfigurationFileError(mark, "only one document is allowed") }
                let (first, mark) = try next()
                root = try node(first, mark, depth: 0)
                // An empty document is an empty scalar.
                if case .scalar("") = root?.content { root = nil }
            case .scalar, .sequenceStart, .sequenceEnd, .mappingStart, .mappingEnd, .other: break
            }
        }
    }

    private mutating func node(
        _ event: Event, _ mark: YAMLMark, depth: Int
    ) throws(ConfigurationFileError) -> YAMLNode {
        guard depth < Self.deepest else { throw ConfigurationFileError(mark, "nested too deep") }
        switch event {
        case .scalar(let text): return YAMLNode(content: .scalar(text), mark: mark)
        case .sequenceStart:
            var members: [YAMLNode] = []
            while true {
                let (event, mark) = try next()
                if case .sequenceEnd = event { break }
                members.append(try node(event, mark, depth: depth + 1))
            }
            return YAMLNode(content: .sequence(members), mark: mark)
        case .mappingStart: return YAMLNode(content: .mapping(try entries(depth: depth)), mark: mark)
        case .streamEnd, .documentStart, .sequenceEnd, .mappingEnd, .other:
            throw ConfigurationFileError(mark, "expected a value")
        }
    }

    private mutating func entries(depth: Int) throws(ConfigurationFileError) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var seen: Set<String> = []
        while true {
            let (event, mark) = try next()
            switch event {
            case .mappingEnd: return entries
            case .scalar(let key):
                guard seen.insert(key).inserted else {
                    throw ConfigurationFileError(mark, "key \"\(key)\" comes twice")
                }
                let (first, valueMark) = try next()
                entries.append(YAMLEntry(key: key, mark: mark, value: try node(first, valueMark, depth: depth + 1)))
            case .streamEnd, .documentStart, .sequenceStart, .sequenceEnd, .mappingStart, .other:
                throw ConfigurationFileError(mark, "a key must be a plain text")
            }
        }
    }

    private mutating func next() throws(ConfigurationFileError) -> (Event, YAMLMark) {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw unsafe Self.failure(of: parser.pointee) }
        defer { unsafe yaml_event_delete(&event) }
        let mark = unsafe Self.mark(event.start_mark)
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT: return (.streamEnd, mark)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, mark)
        case YAML_SCALAR_EVENT:
            guard unsafe event.data.scalar.anchor == nil else {
                throw ConfigurationFileError(mark, "anchors are not allowed")
            }
            let bytes = unsafe UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length)
            return unsafe (.scalar(String(decoding: bytes, as: UTF8.self)), mark)
        case YAML_SEQUENCE_START_EVENT: return (.sequenceStart, mark)
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, mark)
        case YAML_MAPPING_START_EVENT: return (.mappingStart, mark)
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, mark)
        case YAML_ALIAS_EVENT: throw ConfigurationFileError(mark, "aliases are not allowed")
        default: return (.other, mark)
        }
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
        YAMLMark(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func failure(of parser: yaml_parser_t) -> ConfigurationFileError {
        let problem = unsafe parser.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        return unsafe ConfigurationFileError(mark(parser.problem_mark), problem)
    }
}
