import Synchronization

@testable import SpillwayHTTP

/// A transport that encrypts nothing and goes as wrong as a test says.
final class TestTransport: ConnectionTransport {
    struct Failure: Error {}

    /// What all connections of a server do, and what was seen of them.
    final class Script: ConnectionTransportFactory {
        /// Whether it stands in the middle of a handshake as soon as something was sent through it.
        let losesHandshake: Bool
        /// How many bytes of its own it says to each read.
        let ownBytesPerRead: Int
        /// Whether it hands on what it reads, or keeps it.
        let givesPlaintext: Bool
        /// How often it read before something was sent through it, and behind that.
        let reads = TestCount()
        let lateReads = TestCount()

        init(losesHandshake: Bool = false, ownBytesPerRead: Int = 0, givesPlaintext: Bool = true) {
            self.losesHandshake = losesHandshake
            self.ownBytesPerRead = ownBytesPerRead
            self.givesPlaintext = givesPlaintext
        }

        func makeTransport() -> any ConnectionTransport { TestTransport(self) }
    }

    private let script: Script
    private var hasSent = false
    private(set) var isEstablished = true
    let hasReceivedEnd = false

    private init(_ script: Script) { self.script = script }

    func receive(_ bytes: UnsafeRawBufferPointer, plaintext: inout [UInt8], outgoing: inout [UInt8]) throws {
        if hasSent {
            script.lateReads.add()
            outgoing += Array("an alert".utf8)
            throw Failure()
        }
        script.reads.add()
        if script.givesPlaintext { plaintext.append(contentsOf: bytes) }
        outgoing.append(contentsOf: repeatElement(0, count: script.ownBytesPerRead))
    }

    func send(_ plaintext: UnsafeRawBufferPointer, outgoing: inout [UInt8]) {
        outgoing.append(contentsOf: plaintext)
        hasSent = true
        isEstablished = !script.losesHandshake
    }

    func close(outgoing: inout [UInt8]) {}
}
