import SpillwayCore

@testable import SpillwayHTTP

// Testing's macros take no spans, so the tests hand over arrays.

extension Base64URL {
    static func decode(_ text: [UInt8]) -> [UInt8]? { decode(text.span) }
}

extension TokenVerifier {
    func verify(_ token: [UInt8], nowMs: Int64) throws -> Principal { try verify(token.span, nowMs: nowMs) }
}

extension TokenAuthenticator {
    func principal(for token: [UInt8], nowMs: Int64) throws -> Principal {
        try principal(for: token.span, nowMs: nowMs)
    }
}

extension TokenCache {
    func principal(for token: [UInt8], nowMs: Int64) -> Principal? { principal(for: token.span, nowMs: nowMs) }
}

extension TokenCacheShard {
    mutating func principal(for token: [UInt8], hash: UInt64, nowMs: Int64) -> Principal? {
        principal(for: token.span, hash: hash, nowMs: nowMs)
    }
}
