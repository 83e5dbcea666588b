import FoundationEssentials
import Glibc

/// The public keys that may have signed a token: a JWK set (RFC 7517) for RS256, ES256 and EdDSA with Ed25519.
///
/// Each key verifies one algorithm, which its type decides, whatever a token's header says. Keys for other uses and
/// algorithms are passed over. Symmetric keys never come from a set, so no public key can be mistaken for a secret.
public final class JSONWebKeySet: Sendable {
    /// The largest file that is read.
    static let maximumBytes = 1 << 20
    /// At most so many keys that can verify tokens.
    static let maximumKeys = 64
    /// A token that names no key is tried with at most so many, since each try costs 30 to 140 µs.
    static let maximumTries = 4

    private let keys: [JSONWebKey]

    /// How many keys of the set can verify tokens.
    public var count: Int { keys.count }

    /// Reads a set from its JSON text.
    ///
    /// - Throws: ``TokenKeyError`` when the text is no JWK set, or holds a broken or private key, more than 64 usable
    ///   keys, two with the same `kid` and algorithm, or none.
    public init(json: [UInt8]) throws(TokenKeyError) {
        struct Members: Decodable { let keys: [JSONWebKeyMembers] }
        let members: [JSONWebKeyMembers]
        do {
            members = try JSONDecoder().decode(Members.self, from: Data(json)).keys
        } catch {
            throw TokenKeyError(
                .malformed, "not a JWK set, which is an object with an array \"keys\" of objects with \"kty\"")
        }
        var keys: [JSONWebKey] = []
        for member in members {
            guard let algorithm = try member.algorithm() else { continue }
            let key = try JSONWebKey(member, algorithm: algorithm)
            if let keyID = key.keyID, keys.contains(where: { $0.keyID == keyID && $0.algorithm == algorithm }) {
                throw TokenKeyError(.malformed, "\(member.name) is there twice")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else {
            throw TokenKeyError(.noUsableKey, "the set has no public key for RS256, ES256 or EdDSA (Ed25519)")
        }
        guard keys.count <= Self.maximumKeys else {
            throw TokenKeyError(.size, "the set has \(keys.count) keys, at most \(Self.maximumKeys) are allowed")
        }
        self.keys = keys
    }

    /// Reads a set from a file of at most 1 MiB.
    public convenience init(contentsOfFile path: String) throws(TokenKeyError) {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY)
        guard let bytes = try file.readAll(limit: Self.maximumBytes, path: path) else {
            throw TokenKeyError(.size, "\(path) has more than \(Self.maximumBytes) bytes")
        }
        do {
            try self.init(json: bytes)
        } catch {
            throw TokenKeyError(error.code, "\(path): \(error.message)")
        }
    }

    /// Checks a token's signature with the key that its header names, or, when it names none, with the keys of its
    /// algorithm.
    func verify(_ token: Span<UInt8>, signature: [UInt8], header: TokenHeader) throws(TokenError) {
        guard let algorithm = TokenAlgorithm(rawValue: header.algorithm), algorithm != .hs256 else {
            throw TokenError(.unsupported, "alg must be RS256, ES256 or EdDSA")
        }
        let candidates = keys.filter {
            $0.algorithm == algorithm && (header.keyID == nil || $0.keyID == header.keyID)
        }
        guard !candidates.isEmpty else {
            throw TokenError(.unknownKey, "no configured key has this kid and alg")
        }
        for key in candidates.prefix(Self.maximumTries) where key.verifies(token, signature: signature) {
            return
        }
        throw TokenError(.badSignature, "the signature does not match")
    }
}
