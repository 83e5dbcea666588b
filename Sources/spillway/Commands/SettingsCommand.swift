import FoundationEssentials
import Spillway
import SpillwayHTTP

/// `spillway settings …`.
enum SettingsCommand {
    private struct Revised: Decodable {
        var revision: Int
        var settings: ConsumerSettings
    }

    private struct Change: Encodable {
        var revision: Int
        var settings: ConsumerSettings
    }

    private struct History: Decodable {
        struct Entry: Decodable {
            var revision: Int
            var author: String
            var at: String
            var settings: ConsumerSettings
        }

        var items: [Entry]
    }

    static func show(_ values: OptionValues, _ consumer: String, _ terminal: Terminal) throws -> ExitCode {
        try Administration.run(values, .settingsShow) { administrator in
            try tell(try administrator.ask(.get, path(consumer)), of: administrator, values, terminal)
        }
    }

    static func set(
        _ values: OptionValues, _ consumer: String, _ assignments: [String], _ terminal: Terminal
    ) throws -> ExitCode {
        try Administration.run(values, .settingsSet) { administrator in
            let answer = try administrator.ask(.get, path(consumer))
            let present = try administrator.read(Revised.self, answer, keys: .useDefaultKeys)
            let change = Change(revision: present.revision, settings: try applying(assignments, to: present.settings))
            let body = Array(try JSONEncoder().encode(change))
            return try tell(
                try administrator.ask(.put, path(consumer), body: body), of: administrator, values, terminal)
        }
    }

    static func history(_ values: OptionValues, _ consumer: String, _ terminal: Terminal) throws -> ExitCode {
        try Administration.run(values, .settingsHistory) { administrator in
            let answer = try administrator.ask(.get, path(consumer) + "/history")
            if values[OptionTable.json] {
                terminal.writeResult(answer + [UInt8(ascii: "\n")])
                return .done
            }
            var table = TextTable(["REVISION", "AT", "BY", "SETTINGS"])
            for entry in try administrator.read(History.self, answer, keys: .useDefaultKeys).items {
                table.add(["\(entry.revision)", entry.at, TextTable.harmless(entry.author), text(entry.settings)])
            }
            terminal.print(table.text)
            return .done
        }
    }

    static func seek(_ values: OptionValues, _ consumer: String, _ terminal: Terminal) throws -> ExitCode {
        let client = try AdminClient(values, .settingsSeek)
        guard let target = values.optional(OptionTable.seekTarget) else {
            throw CommandError(.usage, "settings seek needs --to: where to go on")
        }
        let body = Array(try JSONEncoder().encode(try SeekTarget(target)))
        _ = try client.ask(.post, "/v1/admin/consumers/\(AdminClient.encoded(consumer))/seek", body: body)
        terminal.print("\(TextTable.harmless(consumer)) goes on at \(target)")
        return .done
    }

    /// The settings with each `NAME=VALUE` in place, and without each `NAME=`.
    static func applying(_ assignments: [String], to settings: ConsumerSettings) throws -> ConsumerSettings {
        var fields = try JSONDecoder().decode([String: Value].self, from: Data(settings.json()))
        for assignment in assignments {
            guard let equals = assignment.firstIndex(of: "="), equals > assignment.startIndex else {
                throw CommandError(.usage, "\"\(assignment)\" must be NAME=VALUE, or NAME= to take it back")
            }
            let value = String(assignment[assignment.index(after: equals)...])
            let name = String(assignment[..<equals])
            fields[name] = value.isEmpty ? nil : ConsumerSettings.textNames.contains(name) ? .text(value) : Value(value)
        }
        do {
            return try ConsumerSettings(json: Array(try JSONEncoder().encode(fields)))
        } catch let error as SettingsError {
            throw CommandError(.usage, error.message)
        }
    }

    /// A value of a setting.
    private enum Value: Codable {
        case flag(Bool)
        case integer(Int)
        case number(Double)
        case text(String)

        /// Takes it for what it looks like: true or false, a number, or else text.
        init(_ text: String) {
            if text == "true" || text == "false" {
                self = .flag(text == "true")
            } else if let integer = Int(text) {
                self = .integer(integer)
            } else if let number = Double(text), number.isFinite {
                self = .number(number)
            } else {
                self = .text(text)
            }
        }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let flag = try? value.decode(Bool.self) {
                self = .flag(flag)
            } else if let integer = try? value.decode(Int.self) {
                self = .integer(integer)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try value.decode(String.self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .flag(let flag): try value.encode(flag)
            case .integer(let integer): try value.encode(integer)
            case .number(let number): try value.encode(number)
            case .text(let text): try value.encode(text)
            }
        }
    }

    private static func path(_ consumer: String) -> String {
        "/v1/admin/consumers/\(AdminClient.encoded(consumer))/settings"
    }

    private static func tell(
        _ answer: [UInt8], of administrator: any Administrator, _ values: OptionValues, _ terminal: Terminal
    ) throws -> ExitCode {
        if values[OptionTable.json] {
            terminal.writeResult(answer + [UInt8(ascii: "\n")])
            return .done
        }
        let revised = try administrator.read(Revised.self, answer, keys: .useDefaultKeys)
        terminal.print("revision \(revised.revision): \(text(revised.settings))")
        return .done
    }

    /// `concurrency=8 is_paused=true`, as `set` takes it.
    private static func text(_ settings: ConsumerSettings) -> String {
        guard let fields = try? JSONDecoder().decode([String: Value].self, from: Data(settings.json())) else {
            return ""
        }
        let parts = fields.sorted { $0.key < $1.key }.map { name, value in
            switch value {
            case .flag(let flag): "\(name)=\(flag)"
            case .integer(let integer): "\(name)=\(integer)"
            case .number(let number): "\(name)=\(number)"
            case .text(let text): "\(name)=\(TextTable.harmless(text))"
            }
        }
        return parts.isEmpty ? "nothing set" : parts.joined(separator: " ")
    }
}
