/// The rule for the names of topics: 1 to 249 characters of `A-Z a-z 0-9 _ - .`.
public enum TopicName {
    /// True if a topic may have this name.
    public static func isValid(_ name: String) -> Bool {
        (1...249).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Checks a name.
    ///
    /// - Throws: `BrokerError` with ``BrokerError/Code/invalidTopic``.
    public static func validate(_ name: String) throws {
        guard isValid(name) else {
            throw BrokerError(.invalidTopic, "a topic's name is 1 to 249 characters of A-Z a-z 0-9 _ - .")
        }
    }
}
