import CRhonabwy
import FoundationEssentials

/// One public key of a set, and all that touches rhonabwy.
///
/// Verifying reads the key and builds everything else anew for each call (rhonabwy exports the key to GnuTLS each time),
/// so that several threads may use one key at once.
@safe final class JSONWebKey: @unchecked Sendable {
    // Safe to share: set once, only read after that, freed with the object.
    private let handle: UnsafeMutablePointer<jwk_t>
    let algorithm: TokenAlgorithm
    let keyID: String?
    /// The one length that a signature by this key has.
    private let signatureBytes: Int

    /// rhonabwy's global state, made once and kept for the life of the process.
    private static let isLibraryReady = r_global_init() == RHN_OK

    /// Takes over the public members of a key.
    init(_ members: JSONWebKeyMembers, algorithm: TokenAlgorithm) throws(TokenKeyError) {
        guard Self.isLibraryReady else { throw TokenKeyError(.malformed, "the library for JWKs can't start") }
        // Only what makes up the public key goes to the library: no URLs to fetch, no certificates, no private parts.
        guard let text = try? JSONEncoder().encode(members.publicPart) else {
            throw TokenKeyError(.malformed, "\(members.name): can't be written as JSON")
        }
        var handle: UnsafeMutablePointer<jwk_t>?
        guard unsafe r_jwk_init(&handle) == RHN_OK, let handle = unsafe handle else {
            throw TokenKeyError(.malformed, "\(members.name): no memory")
        }
        unsafe self.handle = handle
        self.algorithm = algorithm
        keyID = members.keyID
        do {
            signatureBytes = try unsafe Self.load(
                String(decoding: text, as: UTF8.self), into: handle, for: members, algorithm)
        } catch {
            unsafe r_jwk_free(handle)
            throw error
        }
    }

    /// Gives the library the key, and gives back how long signatures by it are.
    private static func load(
        _ json: String, into handle: UnsafeMutablePointer<jwk_t>, for members: JSONWebKeyMembers,
        _ algorithm: TokenAlgorithm
    ) throws(TokenKeyError) -> Int {
        var bits = UInt32(0)
        var encoded = [UInt8](repeating: 0, count: 4096)
        var length = encoded.count
        // The library takes any text for a number at first; only the export makes a key of it, as a verification would.
        guard unsafe r_jwk_import_from_json_str(handle, json) == RHN_OK,
            unsafe r_jwk_key_type(handle, &bits, Int32(R_FLAG_IGNORE_REMOTE)) & Int32(R_KEY_TYPE_PUBLIC) != 0,
            unsafe r_jwk_export_to_pem_der(
                handle, Int32(R_FORMAT_DER), &encoded, &length, Int32(R_FLAG_IGNORE_REMOTE)) == RHN_OK
        else {
            throw TokenKeyError(.malformed, "\(members.name): not a valid public key")
        }
        guard algorithm == .rs256 else { return 64 }
        guard (2048...8192).contains(bits) else {
            throw TokenKeyError(.size, "\(members.name): an RSA key has 2048 to 8192 bits, this has \(bits)")
        }
        return Int(bits + 7) / 8
    }

    deinit {
        unsafe r_jwk_free(handle)
    }

    /// Whether the token is signed by this key. The token's header must have been checked: it names this key's
    /// algorithm and no compression.
    func verifies(_ token: Span<UInt8>, signature: [UInt8]) -> Bool {
        guard signature.count == signatureBytes else { return false }
        var jws: UnsafeMutablePointer<jws_t>?
        guard unsafe r_jws_init(&jws) == RHN_OK else { return false }
        defer { unsafe r_jws_free(jws) }
        // The library copies what it needs of the token during the call, and takes no key from its header.
        let parsed = unsafe token.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                unsafe r_jws_advanced_compact_parsen(
                    jws, characters.baseAddress, characters.count, UInt32(R_PARSE_NONE), Int32(R_FLAG_IGNORE_REMOTE))
            }
        }
        guard parsed == RHN_OK, unsafe r_jws_get_alg(jws) == algorithm.rhonabwy else { return false }
        return unsafe r_jws_verify_signature(jws, handle, Int32(R_FLAG_IGNORE_REMOTE)) == RHN_OK
    }
}

extension TokenAlgorithm {
    fileprivate var rhonabwy: jwa_alg {
        switch self {
        case .hs256: R_JWA_ALG_HS256
        case .rs256: R_JWA_ALG_RS256
        case .es256: R_JWA_ALG_ES256
        case .edDSA: R_JWA_ALG_EDDSA
        }
    }
}
