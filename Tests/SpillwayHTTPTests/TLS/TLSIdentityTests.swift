import COpenSSL
import FoundationEssentials
import Testing

@testable import SpillwayHTTP

@Suite struct TLSIdentityTests {
    private func error(_ certificateFile: String, _ keyFile: String) -> TLSError? {
        do {
            _ = try TLSContext(certificateChainFile: certificateFile, privateKeyFile: keyFile)
            return nil
        } catch {
            return error
        }
    }

    @Test func badFilesAreNamed() throws {
        let good = try TestCertificate()
        let other = try TestCertificate()
        #expect(error(good.certificateFile, good.keyFile) == nil)
        let missing = try #require(error("/tmp/none.pem", good.keyFile))
        #expect(missing.code == .certificate && missing.message.contains("/tmp/none.pem"))
        let missingKey = try #require(error(good.certificateFile, "/tmp/none.pem"))
        #expect(missingKey.code == .privateKey && missingKey.message.contains("/tmp/none.pem"))
        #expect(error(good.certificateFile, other.keyFile)?.code == .privateKey)
        #expect(error(good.keyFile, good.keyFile)?.code == .certificate)
        #expect(error(good.certificateFile, good.certificateFile)?.code == .privateKey)
        // The thread's queue of errors is left empty, or the next connection would stumble over it.
        #expect(ERR_peek_error() == 0)
    }

    @Test(.timeLimit(.minutes(1))) func aPassphraseIsNotAskedForAtTheTerminal() throws {
        let locked = try TestCertificate(passphrase: "secret")
        #expect(error(locked.certificateFile, locked.keyFile)?.code == .privateKey)
    }

    @Test func theRestOfTheCertificatesLifeIsKnown() throws {
        let certificate = try TestCertificate()
        let context = try TLSContext(
            certificateChainFile: certificate.certificateFile, privateKeyFile: certificate.keyFile)
        #expect(context.certificateRemaining > .seconds(86_000) && context.certificateRemaining <= .seconds(86_400))
    }

    @Test func newConnectionsUseTheNewFilesAndABadPairKeepsTheOld() throws {
        let certificate = try TestCertificate()
        let identity = try TLSIdentity(
            certificateChainFile: certificate.certificateFile, privateKeyFile: certificate.keyFile)
        let old = certificate.directory + "/old.pem"
        try FileManager.default.copyItem(atPath: certificate.certificateFile, toPath: old)
        func serves(trusting file: String) throws -> Bool {
            let session = try TLSSession(identity.current)
            do {
                try session.handshake(with: TestTLSClient(trusting: file))
                return session.isEstablished
            } catch {
                return false
            }
        }
        let open = try TLSSession(identity.current)
        let client = try TestTLSClient(trusting: old)
        try open.handshake(with: client)

        try Data("rubbish".utf8).write(to: URL(filePath: certificate.keyFile))
        #expect(throws: TLSError.self) { try identity.reload() }
        #expect(try serves(trusting: old))

        try certificate.write()
        try identity.reload()
        #expect(try serves(trusting: certificate.certificateFile))
        #expect(try !serves(trusting: old))
        // What is open goes on.
        client.receive(try open.send(bytes("still here")))
        #expect(client.read() == bytes("still here"))
    }
}
