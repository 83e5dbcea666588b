/// A key or a set of keys that can't be used. The message names the file or the member and says what to do.
public struct TokenKeyError: Error, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs.
        public var description: String { name }

        /// The file could not be read or made.
        public static let inputOutput = Code("input-output")
        /// Others than the owner may read or write the file.
        public static let permissions = Code("permissions")
        /// The key is shorter than its algorithm needs, or the file longer than any key.
        public static let size = Code("size")
        /// The text is no JWK set, or a key in it is broken, doubtful or private.
        public static let malformed = Code("malformed")
        /// The set holds no key for RS256, ES256 or EdDSA.
        public static let noUsableKey = Code("no-usable-key")
    }

    /// What users match on.
    public let code: Code
    /// What is wrong and what to do.
    public let message: String
    /// True if the same call may succeed later without anybody's help.
    public var isRetriable: Bool { false }
    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
