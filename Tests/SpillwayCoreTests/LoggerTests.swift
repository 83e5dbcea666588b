import FoundationEssentials
import Synchronization
import Testing

@testable import SpillwayCore

@Suite struct LoggerTests {
    private static let noon: @Sendable () -> Int64 = { 1_795_268_340_123 }

    private func text(level: Logger.Level = .trace) -> (Logger, Journal) {
        let journal = Journal()
        let output = LogOutput { journal.add(String(decoding: $0, as: UTF8.self)) }
        let logger = Logger(label: "broker") {
            TextLogHandler(label: $0, level: level, output: output, wallMilliseconds: Self.noon)
        }
        return (logger, journal)
    }

    private func json() -> (Logger, Journal) {
        let journal = Journal()
        let output = LogOutput { journal.add(String(decoding: $0, as: UTF8.self)) }
        let logger = Logger(label: "broker") {
            JSONLogHandler(label: $0, level: .trace, output: output, wallMilliseconds: Self.noon)
        }
        return (logger, journal)
    }

    @Test func writesALineForPeople() {
        var (logger, journal) = text()
        logger[metadataKey: "node"] = "n1"
        logger.info("opened", metadata: ["records": "\(12)", "path": "/a b"])
        logger.warning("slow")
        logger.critical("gone", metadata: ["node": "n2"])
        #expect(
            journal.entries == [
                "2026-11-21T13:39:00.123Z info  broker: opened node=n1 path=\"/a b\" records=12\n",
                "2026-11-21T13:39:00.123Z warn  broker: slow node=n1\n",
                "2026-11-21T13:39:00.123Z crit  broker: gone node=n2\n",
            ])
    }

    @Test func columnsAlign() {
        let (logger, journal) = text()
        for level in Logger.Level.allCases { logger.log(level: level, "m") }
        #expect(journal.entries.count == 7)
        #expect(Set(journal.entries.map { $0.utf8.count }).count == 1)
    }

    @Test func noInputForgesALine() {
        let (logger, journal) = text()
        logger.info("a\nb\r\u{1b}[31m\u{202e}", metadata: ["k": "x\ny", "q": "say \"hi\"\\", "e": "", "eq": "a=b"])
        #expect(
            journal.entries == [
                #"2026-11-21T13:39:00.123Z info  broker: a\nb\r\u001b[31m\u202e "#
                    + #"e="" eq="a=b" k=x\ny q="say \"hi\"\\""# + "\n"
            ])
    }

    @Test func belowTheLevelNothingIsBuilt() {
        var (logger, journal) = text(level: .notice)
        var built = 0
        func message() -> String {
            built += 1
            return "m"
        }
        logger.info("\(message())", metadata: ["a": "\(message())"])
        #expect(built == 0 && journal.entries.isEmpty)
        logger.logLevel = .info
        logger.info("\(message())", metadata: ["a": "\(message())"])
        #expect(built == 2 && journal.entries.count == 1)
    }

    @Test func aLoggerIsAValue() {
        let (logger, journal) = text()
        var copy = logger
        copy[metadataKey: "a"] = "1"
        copy.logLevel = .error
        logger.info("m")
        #expect(journal.entries == ["2026-11-21T13:39:00.123Z info  broker: m\n"])
        #expect(copy[metadataKey: "a"] == "1" && logger[metadataKey: "a"] == nil)
    }

    @Test func writesOneObjectALine() throws {
        struct Line: Decodable, Equatable {
            struct Metadata: Decodable, Equatable {
                var list: [String]
                var map: [String: String]
                var text: String
            }
            var time: String
            var level: String
            var label: String
            var message: String
            var source: String
            var metadata: Metadata?
        }
        let (logger, journal) = json()
        let hostile = "\"\\\n\r\t\u{0}\u{1f}\u{7f}\u{2028}é🙂/"
        logger.notice(
            "\(hostile)", metadata: ["list": ["a", "\(hostile)"], "map": ["k": .stringConvertible(3)], "text": "t"],
            file: "M/F.swift", line: 7)
        logger.trace("bare", file: "M/F.swift", line: 8)
        #expect(journal.entries.count == 2)
        #expect(journal.entries.allSatisfy { $0.hasSuffix("\n") && $0.dropLast().allSatisfy { $0 != "\n" } })
        let lines = try journal.entries.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        #expect(lines[0].message == hostile && lines[0].level == "notice" && lines[0].label == "broker")
        #expect(lines[0].time == "2026-11-21T13:39:00.123Z" && lines[0].source == "M/F.swift:7")
        #expect(lines[0].metadata == Line.Metadata(list: ["a", hostile], map: ["k": "3"], text: "t"))
        #expect(lines[1].metadata == nil && lines[1].level == "trace")
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func writesTimes(milliseconds: Int64, expected: String) {
        var line: [UInt8] = []
        LogTimestamp.append(milliseconds: milliseconds, to: &line)
        #expect(String(decoding: line, as: UTF8.self) == expected)
    }

    @Test func levelsAreOrdered() {
        #expect(Logger.Level.allCases == Logger.Level.allCases.sorted())
        #expect(Logger.Level(rawValue: "warning") == .warning)
    }

    @Test func bootstrapDecidesTheHandler() {
        let journal = Journal()
        LoggingSystem.bootstrap { label in
            TextLogHandler(label: label, output: LogOutput { _ in journal.add(label) })
        }
        defer { LoggingSystem.bootstrap { TextLogHandler(label: $0) } }
        Logger(label: "mine").info("m")
        #expect(journal.entries.contains("mine"))
        NoOpLogHandler().log(level: .info, message: "m", metadata: nil, file: "", function: "", line: 0)
    }

    @Test func metadataDescribesAndCompares() {
        let value: Logger.MetadataValue = ["b": ["x", "y"], "a": .stringConvertible(1)]
        #expect(value.description == "[a: 1, b: [x, y]]")
        #expect(value == ["a": .stringConvertible(1), "b": ["x", "y"]])
        #expect(value != ["a": "1", "b": ["x", "y"]])
        #expect(Logger.MetadataValue.array(["a"]) != "a")
    }
}
