import Testing

@testable import spillway

@Suite("The table of options")
struct OptionTableTests {
    @Test("names, keys and variables are unique")
    func uniqueNames() {
        for command in CommandName.allCases {
            let names = OptionTable.options(of: command).map(\.name)
            #expect(Set(names).count == names.count)
        }
        let keys = OptionTable.all.compactMap(\.key)
        #expect(Set(keys).count == keys.count)
        #expect(Set(OptionTable.all.map(\.name)).count == OptionTable.all.count)
    }

    @Test("no key is the beginning of another, so that a name is either a value or a mapping")
    func keysDoNotNest() {
        let keys = OptionTable.all.compactMap(\.key)
        for key in keys { #expect(!keys.contains { $0.hasPrefix(key + ".") }) }
    }

    @Test("every default is allowed by its own range, and is written as it would be printed")
    func defaultsAreAllowed() throws {
        for option in OptionTable.all {
            guard let fallback = option.fallback else { continue }
            let value = try option.kind.read(fallback)
            switch (option.kind, value) {
            case (.duration, .duration(let duration)):
                #expect(DurationText.read(DurationText.format(duration)) == duration)
            case (.bytes, .integer(let bytes)): #expect(ByteText.format(bytes) == fallback)
            default: break
            }
        }
    }

    @Test("every option is in the help of its commands, with its default")
    func helpIsComplete() {
        for command in CommandName.listed {
            let help = HelpText.command(command)
            for option in OptionTable.options(of: command) {
                #expect(help.contains("--\(option.name)"))
                #expect(help.contains("default: \(option.fallbackText)"))
            }
            #expect(HelpText.program.contains("  \(command.rawValue)"))
        }
    }

    @Test("what CONTRACT.md promises has these defaults")
    func contractDefaults() throws {
        let configuration = try ServeConfiguration(try resolve(.serve))
        #expect(configuration.store.dataDirectory == "./data")
        #expect(configuration.network.host == "127.0.0.1")
        #expect(configuration.network.port == 8080)
        #expect(configuration.network.maxConnections == 20_000)
        #expect(configuration.network.requestTimeout == .seconds(30))
        #expect(configuration.network.idleTimeout == .seconds(75))
        #expect(configuration.network.drainTimeout == .seconds(20))
        #expect(configuration.network.maxBodyBytes == 65_536)
        #expect(configuration.network.maxBatchBodyBytes == 1_048_576)
        #expect(configuration.network.allowedOrigins.isEmpty)
        #expect(configuration.reactions.targetTypes == ["video", "comment"])
        #expect(configuration.reactions.voteRatePerUser == 1_000)
        #expect(configuration.reactions.voteBurstPerUser == 10_000)
        #expect(configuration.reactions.pendingVotesRecords == 2_000_000)
        #expect(configuration.reactions.pendingVotesBytes == 512 << 20)
        #expect(configuration.reactions.votersAccess == .token)
        #expect(configuration.store.partitions == 4)
    }

    @Test("docs/CONFIGURATION.md is the table")
    func pageIsCurrent() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try WholeFile.read("/\(root)/docs/CONFIGURATION.md", atMost: 1 << 20)
        #expect(
            String(decoding: page, as: UTF8.self) == OptionsPage.text,
            "run: spillway docs-options > docs/CONFIGURATION.md")
    }

    @Test(
        "times are read and printed",
        arguments: [
            ("0", Duration.zero, "0"), ("200ms", .milliseconds(200), "200ms"), ("30s", .seconds(30), "30s"),
            ("90s", .seconds(90), "90s"), ("120s", .seconds(120), "2m"), ("24h", .seconds(86_400), "1d"),
            ("1500ms", .milliseconds(1_500), "1500ms"),
        ])
    func durations(text: String, duration: Duration, printed: String) {
        #expect(DurationText.read(text) == duration)
        #expect(DurationText.format(duration) == printed)
    }

    @Test(
        "what is no time is refused", arguments: ["", "5", "s", "-1s", "1.5s", "1 s", "1S", "99999999999999999d", "٣s"])
    func badDurations(text: String) { #expect(DurationText.read(text) == nil) }

    @Test(
        "sizes are read and printed",
        arguments: [
            ("0", 0, "0"), ("4096", 4_096, "4KiB"), ("64KiB", 65_536, "64KiB"), ("512MiB", 512 << 20, "512MiB"),
            ("2GiB", 2 << 30, "2GiB"), ("1TiB", 1 << 40, "1TiB"), ("5MB", 5_000_000, "5000000"), ("100B", 100, "100"),
        ])
    func sizes(text: String, bytes: Int, printed: String) {
        #expect(ByteText.read(text) == bytes)
        #expect(ByteText.read(printed) == bytes)
    }

    @Test(
        "what is no size is refused", arguments: ["", "KiB", "-1", "1.5MiB", "1 MiB", "1mib", "9999999999TiB", "0x10"])
    func badSizes(text: String) { #expect(ByteText.read(text) == nil) }
}
