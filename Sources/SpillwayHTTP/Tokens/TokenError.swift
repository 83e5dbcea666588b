/// Why a bearer token was refused. None is worth trying again with the same token.
public struct TokenError: Error, Equatable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// Not three parts of canonical base64url with JSON objects in the first two.
        public static let malformed = Code("malformed")
        /// Longer than the configuration allows.
        public static let tooLarge = Code("too-large")
        /// An algorithm, type or critical extension that the keys don't allow; `none` is among them.
        public static let unsupported = Code("unsupported")
        /// Signed with a key that is not among those configured.
        public static let unknownKey = Code("unknown-key")
        /// The signature does not belong to the token.
        public static let badSignature = Code("bad-signature")
        /// The moment in `exp` has come, or there is none.
        public static let expired = Code("expired")
        /// The moment in `nbf` has not come, or `iat` lies in the future.
        public static let notYetValid = Code("not-yet-valid")
        /// From another issuer.
        public static let wrongIssuer = Code("wrong-issuer")
        /// For another audience.
        public static let wrongAudience = Code("wrong-audience")
        /// `sub` is missing or no valid subject.
        public static let invalidSubject = Code("invalid-subject")
    }

    /// What users match on.
    public let code: Code
    /// What is wrong, in ASCII without quotes and backslashes, so that it fits into a header; nothing of the token.
    public let message: String
    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
