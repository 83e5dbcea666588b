import SpillwayCore
import SpillwayOTLP
import Testing

@testable import spillway

@Suite("Tracing's options")
struct TracingConfigurationTests {
    private func configuration(_ flags: String...) throws -> ServeConfiguration {
        try ServeConfiguration(try resolve(.serve, flags))
    }

    @Test("without a collector nothing is traced, whatever else is given")
    func off() throws {
        #expect(try configuration().tracing == nil)
        #expect(try configuration("--trace-ratio", "1").tracing == nil)
    }

    @Test("everything is taken over")
    func on() throws {
        let tracing = try configuration(
            "--otlp-endpoint", "https://collector:4318", "--otlp-headers", "api-key=a=b, x=", "--trace-ratio", "0.25",
            "--trace-service-name", "reactions", "--otlp-ca-certificate", "/ca.pem", "--trace-trust-clients"
        ).tracing
        #expect(tracing?.endpoint == "https://collector:4318")
        #expect(tracing?.headers.map(\.name) == ["api-key", "x"] && tracing?.headers.map(\.value) == ["a=b", ""])
        #expect(tracing?.ratio == 0.25 && tracing?.serviceName == "reactions" && tracing?.trustsClients == true)
        #expect(tracing?.certificateAuthority == "/ca.pem")
    }

    @Test("a header that is none is refused without its text, which may be a secret")
    func badHeaders() throws {
        for text in ["secret", "=secret"] {
            let error = #expect(throws: CommandError.self) {
                try configuration("--otlp-endpoint", "http://c", "--otlp-headers", text)
            }
            #expect(error.map { !"\($0)".contains("secret") && "\($0)".contains("otlp-headers") } == true)
        }
    }

    @Test("what is no share is refused", arguments: ["", "-0.1", "1.1", "nan", "1e-2", "0x1", "half"])
    func badShares(text: String) {
        #expect(throws: CommandError.self) { try configuration("--trace-ratio", text) }
    }

    @Test("a collector's address that is none is refused by name, with the exit code of configuration")
    func badEndpoint() throws {
        let tracing = try #require(try configuration("--otlp-endpoint", "collector:4318").tracing)
        let error = #expect(throws: OTLPError.self) { try ServerTracing(tracing, registry: MetricsRegistry()) }
        #expect(error.map { Wiring.exitCode(for: $0) } == .configuration)
        #expect(error?.message.contains("endpoint") == true)
    }
}
