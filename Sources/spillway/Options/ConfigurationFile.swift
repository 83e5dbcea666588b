/// What is wrong with a configuration file, and where.
struct ConfigurationFileError: Error, Equatable {
    /// From 1.
    let line: Int
    /// From 1.
    let column: Int
    /// What is wrong and what is allowed.
    let reason: String

    init(_ mark: YAMLMark, _ reason: String) {
        line = mark.line
        column = mark.column
        self.reason = reason
    }
}

/// The configuration file: YAML mappings, nested as the options' keys are.
enum ConfigurationFile {
    /// Reads a file's options, in its order.
    static func read(_ bytes: [UInt8]) throws(ConfigurationFileError) -> [(OptionDefinition, OptionValue)] {
        guard let root = try YAMLReader.read(bytes) else { return [] }
        guard case .mapping(let entries) = root.content else {
            throw ConfigurationFileError(root.mark, "the file must be a mapping of keys to values")
        }
        var found: [(OptionDefinition, OptionValue)] = []
        try collect(entries, under: "", into: &found)
        return found
    }

    private static func collect(
        _ entries: [YAMLEntry], under prefix: String, into found: inout [(OptionDefinition, OptionValue)]
    ) throws(ConfigurationFileError) {
        for entry in entries {
            let key = prefix + entry.key
            if let option = OptionTable.option(key: key) {
                found.append((option, try value(of: option, key: key, from: entry.value)))
            } else if OptionTable.all.contains(where: { $0.key?.hasPrefix(key + ".") == true }) {
                guard case .mapping(let below) = entry.value.content else {
                    throw ConfigurationFileError(entry.value.mark, "\(key): must be a mapping of keys to values")
                }
                try collect(below, under: key + ".", into: &found)
            } else {
                throw ConfigurationFileError(entry.mark, "unknown key \"\(key)\"\(suggestion(for: key))")
            }
        }
    }

    private static func value(
        of option: OptionDefinition, key: String, from node: YAMLNode
    ) throws(ConfigurationFileError) -> OptionValue {
        do throws(OptionRefusal) {
            switch (node.content, option.kind) {
            case (.scalar(let text), _):
                return try option.kind.read(text)
            case (.sequence(let members), .list):
                var texts: [String] = []
                for member in members {
                    guard case .scalar(let text) = member.content, !text.contains(",") else {
                        throw OptionRefusal("must be a sequence of texts without commas")
                    }
                    texts.append(text)
                }
                return try option.kind.readList(texts)
            case (.sequence, _), (.mapping, _):
                throw OptionRefusal("must be one value")
            }
        } catch {
            throw ConfigurationFileError(node.mark, "\(key): \(error.reason)")
        }
    }

    private static func suggestion(for key: String) -> String {
        let last = key.split(separator: ".").last.map(String.init) ?? key
        let near = OptionTable.all.compactMap(\.key).first { candidate in
            candidate.split(separator: ".").last.map(String.init) == last
        }
        return near.map { "; did you mean \"\($0)\"?" } ?? ""
    }
}
