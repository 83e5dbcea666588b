import SpillwayCore
import Testing

@testable import SpillwayOTLP

@Suite struct OTLPConfigurationTests {
    @Test func theDefaultsAreAllowed() throws {
        try OTLPConfiguration(endpoint: "http://localhost:4318").validate()
    }

    @Test(
        arguments: [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("https://collector/", "https://collector/v1/traces"),
            ("https://collector/otlp", "https://collector/otlp/v1/traces"),
            ("http://[::1]:4318/v1/traces", "http://[::1]:4318/v1/traces"),
        ])
    func thePathOfTracesIsAdded(endpoint: String, url: String) throws {
        let configuration = OTLPConfiguration(endpoint: endpoint)
        try configuration.validate()
        #expect(configuration.url == url)
    }

    @Test(
        arguments: [
            "", "localhost:4318", "ftp://collector", "http://", "http://:4318", "http:///v1/traces", "http://a b",
            "http://collector?x=1", "http://collector#x", "http://user:secret@collector", "http://collector\r\nX: y",
        ])
    func whatIsNoAddressIsRefusedByName(endpoint: String) {
        let error = #expect(throws: OTLPError.self) { try OTLPConfiguration(endpoint: endpoint).validate() }
        #expect(error?.code == .invalidConfiguration && error?.message.hasPrefix("endpoint ") == true)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func eachFieldIsRefusedByItsName() {
        let changes: [(String, (inout OTLPConfiguration) -> Void)] = [
            ("headers", { $0.headers = [.init(name: "a b", value: "")] }),
            ("headers", { $0.headers = [.init(name: "", value: "")] }),
            ("headers", { $0.headers = [.init(name: "content-type", value: "text/plain")] }),
            ("headers", { $0.headers = [.init(name: "a", value: "x\r\nEvil: y")] }),
            ("serviceName", { $0.serviceName = "" }), ("certificateAuthority", { $0.certificateAuthority = "" }),
            ("maxQueuedSpans", { $0.maxQueuedSpans = 0 }), ("maxQueuedBytes", { $0.maxQueuedBytes = 0 }),
            ("maxBatchSpans", { $0.maxBatchSpans = 0 }), ("maxBatchBytes", { $0.maxBatchBytes = 0 }),
            ("maxBatchBytes", { $0.maxBatchBytes = 21 << 20 }), ("interval", { $0.interval = .zero }),
            ("timeout", { $0.timeout = .zero }), ("maxAttempts", { $0.maxAttempts = 0 }),
            ("backoff", { $0.backoff = .zero }), ("maxBackoff", { $0.maxBackoff = .milliseconds(1) }),
            ("shutdownTimeout", { $0.shutdownTimeout = .seconds(-1) }),
        ]
        for (field, change) in changes {
            var configuration = OTLPConfiguration(endpoint: "http://localhost")
            change(&configuration)
            let error = #expect(throws: OTLPError.self) { try OTLPSpanExporter(configuration) }
            #expect(error?.message.hasPrefix("\(field) ") == true)
        }
    }
}
