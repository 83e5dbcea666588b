internal import FoundationEssentials
internal import Spillway
internal import SpillwayCore
internal import SpillwayHTTP

/// The bodies of the answers about consumers and their settings.
enum ConsumerAnswers {
    struct Items: Encodable {
        var items: [ConsumerInspection]
    }

    /// A value as JSON with the contract's names.
    static func encoded(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys]
        return Array(try encoder.encode(value))
    }

    /// `{"revision":N,"settings":{…}}`.
    static func settings(_ present: (settings: ConsumerSettings, revision: Int)) -> [UInt8] {
        var json = JSONWriter()
        json.raw("{\"revision\":")
        json.integer(Int64(present.revision))
        json.raw(",\"settings\":")
        json.encoded(present.settings.json())
        json.raw("}")
        return json.bytes
    }

    /// `{"items":[{"revision","author","at","settings"},…]}`.
    static func history(_ entries: [SettingsEntry]) -> [UInt8] {
        var json = JSONWriter()
        json.raw("{\"items\":[")
        for (index, entry) in entries.enumerated() {
            json.raw(index > 0 ? ",{\"revision\":" : "{\"revision\":")
            json.integer(Int64(entry.revision))
            json.raw(",\"author\":")
            json.string(entry.author)
            json.raw(",\"at\":")
            json.string(RFC3339.text(milliseconds: entry.atMs))
            json.raw(",\"settings\":")
            json.encoded(entry.value)
            json.raw("}")
        }
        json.raw("]}")
        return json.bytes
    }

    /// Reads `{"revision":N,"settings":{…}}`; without a revision the change is made from the present one.
    struct Change: Decodable {
        var revision: Int?
        var settings: CheckedSettings
    }

    struct CheckedSettings: Decodable {
        var value: ConsumerSettings

        init(from decoder: any Decoder) throws {
            do {
                value = try ConsumerSettings(from: decoder)
            } catch let error as SettingsError {
                throw RequestError.field("settings", error.message)
            }
        }
    }
}
