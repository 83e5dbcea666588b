import SpillwayCore
import Testing

@testable import SpillwayHTTP

@Suite struct TrustedProxiesTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8:0:0::1", "2001:db8::1"), ("::", "::"),
        ("255.255.255.255", "255.255.255.255"), ("::1", "::1"), ("::2.3.4.5", "::2.3.4.5"),
    ])
    func addressesAreReadAndWritten(text: String, canonical: String) throws {
        #expect(try #require(ClientAddress(text)).description == canonical)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80", "[::1]", "::1%lo",
        "1.2.3.4\u{0}", ":::", "g::1", "1:2:3:4:5:6:7:8:9", "localhost", "٣.1.1.1",
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(ClientAddress(text) == nil)
    }

    @Test func loopbackAndLimitKey() throws {
        #expect(try #require(ClientAddress("127.9.0.1")).isLoopback)
        #expect(try #require(ClientAddress("::ffff:127.0.0.1")).isLoopback)
        #expect(try #require(ClientAddress("::1")).isLoopback)
        #expect(try #require(ClientAddress("128.0.0.1")).isLoopback == false)
        #expect(try #require(ClientAddress("::2")).isLoopback == false)
        // One IPv6 subscriber can't escape a limit by taking another address of its network.
        #expect(ClientAddress("2001:db8:1:2:3::4")?.limitKey == ClientAddress("2001:db8:1:2:ffff::1")?.limitKey)
        #expect(ClientAddress("2001:db8:1:2::1")?.limitKey != ClientAddress("2001:db8:1:3::1")?.limitKey)
        #expect(ClientAddress("192.0.2.1")?.limitKey != ClientAddress("192.0.2.2")?.limitKey)
    }

    @Test func addressesOfSockets() throws {
        #expect(ClientAddress(try SocketAddress(host: "192.0.2.1", port: 80)) == ClientAddress("192.0.2.1"))
        #expect(ClientAddress(try SocketAddress(host: "2001:db8::1", port: 80)) == ClientAddress("2001:db8::1"))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "1.2.3.4", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true), ("::/0", "1.2.3.4", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false), ("192.0.2.7/32", "::ffff:192.0.2.7", true),
    ])
    func ranges(range: String, address: String, expected: Bool) throws {
        #expect(try AddressRange(range).contains(#require(ClientAddress(address))) == expected)
    }

    @Test(arguments: [
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "/8", "", "a/8",
        "1.2.3.4/8/9",
    ])
    func badRangesAreRefusedWithTheirText(range: String) throws {
        let error = try #require(throws: AddressRangeError.self) { try AddressRange(range) }
        #expect(error.message.contains("'\(range)'"))
    }

    @Test(arguments: [
        // An untrusted peer's header counts for nothing.
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        // What stands to the left of the first untrusted address was written by the client.
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        // Several headers are one list in the order of their arrival.
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9", "10.9.9.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.3.3.3, 10.9.9.9"], "10.3.3.3"),
        // Garbage ends the walk at the last address that a trusted proxy saw.
        ("10.0.0.1", ["203.0.113.9, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.0.0.1", ["203.0.113.9,"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::9]:4711"], "2001:db8::9"),
        ("10.0.0.1", ["[2001:db8::9]"], "2001:db8::9"),
        ("10.0.0.1", ["[203.0.113.9]x"], "10.0.0.1"),
        ("10.0.0.1", ["2001:db8::9\t"], "2001:db8::9"),
        ("10.0.0.1", ["203.0.113.9:port"], "10.0.0.1"),
    ])
    func clientBehindProxies(peer: String, headers: [String], client: String) throws {
        let proxies = try TrustedProxies(parsing: ["10.0.0.0/8", "fd00::/8"])
        let address = try proxies.client(peer: #require(ClientAddress(peer)), forwardedFor: headers)
        #expect(address.description == client)
    }

    @Test func nobodyIsTrustedByDefault() throws {
        let peer = try #require(ClientAddress("127.0.0.1"))
        #expect(TrustedProxies.none.client(peer: peer, forwardedFor: ["203.0.113.9"]) == peer)
    }
}
