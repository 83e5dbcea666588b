import Testing

@testable import spillway

@Suite("Where options come from")
struct OptionResolverTests {
    private let file = "http:\n  port: 1003\n  host: from-file\nreactions:\n  target-types: [a, b]\n"

    @Test("flags win over the environment, it over the file, that over the default")
    func precedence() throws {
        let variable = ["SPILLWAY_PORT": "1002"]
        #expect(try resolve(.serve)[OptionTable.port] == 8080)
        #expect(try resolve(.serve, file: file)[OptionTable.port] == 1003)
        #expect(try resolve(.serve, environment: variable, file: file)[OptionTable.port] == 1002)
        #expect(try resolve(.serve, ["--port", "1001"], environment: variable, file: file)[OptionTable.port] == 1001)
        #expect(try resolve(.serve, environment: variable, file: file)[OptionTable.host] == "from-file")
    }

    @Test("lists come separated by commas, or as a sequence in the file; an empty one is empty")
    func lists() throws {
        #expect(try resolve(.serve, file: file)[OptionTable.targetTypes] == ["a", "b"])
        #expect(try resolve(.serve, ["--target-types", "x, y,z"])[OptionTable.targetTypes] == ["x", "y", "z"])
        #expect(try resolve(.serve, file: "http:\n  allowed-origins: []\n")[OptionTable.allowedOrigins].isEmpty)
        #expect(try resolve(.serve, ["--allowed-origins="])[OptionTable.allowedOrigins].isEmpty)
    }

    @Test(
        "a flag alone is on, and takes a value after an equals sign",
        arguments: [("--demo", true), ("--demo=0", false)])
    func flags(flag: String, value: Bool) throws {
        #expect(try resolve(.serve, [flag], environment: ["SPILLWAY_DEMO": "no"])[OptionTable.demo] == value)
    }

    @Test("the variable pauses projections")
    func projectionsPaused() throws {
        let values = try resolve(.serve, environment: ["SPILLWAY_PROJECTIONS_PAUSED": "1"])
        #expect(try ServeConfiguration(values).reactions.projectionsPaused)
    }

    @Test("the last of a flag that comes twice counts")
    func repeated() throws {
        #expect(try resolve(.serve, ["--port", "1", "--port=2"])[OptionTable.port] == 2)
    }

    @Test("one file serves all commands: keys of others are checked and left out")
    func sharedFile() throws {
        let values = try resolve(.audit, file: "data: /d\nhttp:\n  port: 5\n")
        #expect(values[OptionTable.data] == "/d")
        #expect(!values.isGiven(OptionTable.port))
    }

    @Test("a bad flag is a matter of usage, a bad variable or file one of configuration, each with name and range")
    func badValues() {
        let flag = #expect(throws: CommandError.self) { try resolve(.serve, ["--port", "65536"]) }
        #expect(flag?.exitCode == .usage)
        #expect(flag?.message.contains("--port") == true && flag?.message.contains("0 to 65535") == true)
        let variable = #expect(throws: CommandError.self) { try resolve(.serve, environment: ["SPILLWAY_PORT": "-1"]) }
        #expect(variable?.exitCode == .configuration)
        #expect(variable?.message.contains("SPILLWAY_PORT") == true && variable?.message.contains("0 to 65535") == true)
        let file = #expect(throws: CommandError.self) { try resolve(.serve, file: "http:\n  port: many\n") }
        #expect(file?.exitCode == .configuration)
        #expect(file?.message == "f.yaml:2:9: http.port: must be a whole number from 0 to 65535 (port)")
    }

    @Test(
        "values of each kind outside of what is allowed are refused",
        arguments: [
            ["--log-format", "xml"], ["--request-timeout", "30"], ["--request-timeout", "0"],
            ["--idle-timeout", "1000000h"], ["--max-body-bytes", "1"], ["--demo=maybe"], ["--host", ""],
            ["--target-types", "a,,b"], ["--partitions", "0"], ["--partitions", "4.0"],
        ])
    func refused(arguments: [String]) {
        #expect(throws: CommandError.self) { try resolve(.serve, arguments) }
    }

    @Test("values that don't fit each other are refused")
    func mismatches() throws {
        for arguments in [
            ["--tls-key", "k"], ["--tls-certificate", "c"], ["--target-types", "a,a"], ["--target-types", "A"],
        ] {
            let values = try resolve(.serve, arguments)
            let error = #expect(throws: CommandError.self) { try ServeConfiguration(values) }
            #expect(error?.exitCode == .configuration)
        }
    }

    @Test("variables that look like ours and are not are named")
    func unknownVariables() {
        let resolver = OptionResolver(
            environment: ["SPILLWAY_PROT": "1", "SPILLWAY_PORT": "1", "HOME": "/"], readFile: { _ in [] })
        #expect(resolver.unknownVariables == ["SPILLWAY_PROT"])
    }
}
