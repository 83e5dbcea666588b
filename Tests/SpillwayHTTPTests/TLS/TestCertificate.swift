import COpenSSL
import FoundationEssentials
import Testing

/// A certificate for `localhost` that signed itself, with its key, as PEM files that are gone when the object is.
final class TestCertificate {
    let directory = "/tmp/security-tls-\(UUID().uuidString)"
    var certificateFile: String { directory + "/certificate.pem" }
    var keyFile: String { directory + "/key.pem" }

    /// - Parameter passphrase: encrypts the key file; nil: plain.
    init(passphrase: String? = nil) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try write(passphrase: passphrase)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Puts another certificate with another key in the place of the files.
    func write(passphrase: String? = nil) throws {
        let key = try #require(Self.makeKey())
        defer { EVP_PKEY_free(key) }
        let certificate = try #require(Self.makeCertificate(key))
        defer { X509_free(certificate) }
        let chain = try #require(BIO_new_file(certificateFile, "w"))
        #expect(PEM_write_bio_X509(chain, certificate) == 1)
        BIO_free(chain)
        let secret = try #require(BIO_new_file(keyFile, "w"))
        if let passphrase {
            #expect(
                PEM_write_bio_PKCS8PrivateKey(
                    secret, key, EVP_aes_128_cbc(), passphrase, Int32(passphrase.utf8.count), nil, nil) == 1)
        } else {
            #expect(PEM_write_bio_PrivateKey(secret, key, nil, nil, 0, nil, nil) == 1)
        }
        BIO_free(secret)
    }

    private static func makeKey() -> OpaquePointer? {
        let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            EVP_PKEY_generate(context, &key) == 1
        else { return nil }
        return key
    }

    private static func makeCertificate(_ key: OpaquePointer) -> OpaquePointer? {
        guard let certificate = X509_new() else { return nil }
        X509_set_version(certificate, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...1_000_000))
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600)
        X509_gmtime_adj(X509_getm_notAfter(certificate), 86_400)
        X509_set_pubkey(certificate, key)
        let name = X509_get_subject_name(certificate)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, "localhost", -1, -1, 0)
        X509_set_issuer_name(certificate, name)
        return X509_sign(certificate, key, EVP_sha256()) > 0 ? certificate : nil
    }

    private static let MBSTRING_ASC: Int32 = 0x1001
}
