internal import FoundationEssentials
internal import Spillway
internal import SpillwayCore
internal import SpillwayHTTP

/// The bodies of the answers about dead letters. Keys and values are any bytes: as Base64, and as text where they are UTF-8.
enum DeadLetterAnswers {
    /// One item of a list: all but headers and value.
    static func write(_ letter: DeadLetter, to json: inout JSONWriter) {
        json.raw("{")
        members(letter, to: &json)
        json.raw("}")
    }

    /// All of a letter.
    static func whole(_ letter: DeadLetter) -> [UInt8] {
        var json = JSONWriter(capacity: 1_024 + letter.byteCount * 3)
        json.raw("{")
        members(letter, to: &json)
        json.raw(",\"timestamp\":")
        json.plain(RFC3339.text(milliseconds: letter.record.timestampMs))
        json.raw(",\"headers\":[")
        for (index, header) in letter.record.headers.enumerated() {
            json.raw(index > 0 ? ",{\"name\":" : "{\"name\":")
            json.string(header.name)
            write(header.value[...], ",\"value\":", ",\"value_base64\":", to: &json)
            json.raw("}")
        }
        json.raw("]")
        write(letter.record.value, ",\"value\":", ",\"value_base64\":", to: &json)
        json.raw("}")
        return json.bytes
    }

    private static func members(_ letter: DeadLetter, to json: inout JSONWriter) {
        json.raw("\"id\":")
        json.plain(letter.name.text)
        json.raw(",\"group\":")
        json.string(letter.name.group)
        json.raw(",\"source\":")
        json.string(letter.name.partition.source)
        json.raw(",\"topic\":")
        json.string(letter.name.partition.topic)
        json.raw(",\"partition\":")
        json.integer(Int64(letter.name.partition.partition))
        json.raw(",\"position\":")
        json.plain(letter.name.position.text)
        write(letter.record.key, ",\"key\":", ",\"key_base64\":", to: &json)
        json.raw(",\"reason\":")
        json.string(letter.reason)
        json.raw(",\"attempts\":")
        json.integer(Int64(letter.attempts))
        json.raw(",\"failed_at\":")
        json.plain(RFC3339.text(milliseconds: letter.failedAtMs))
        json.raw(",\"value_bytes\":")
        if let value = letter.record.value { json.integer(Int64(value.count)) } else { json.raw("null") }
    }

    /// Two members: the bytes as text, or null where they are not UTF-8, and as Base64; both null where there are none.
    private static func write(
        _ bytes: ArraySlice<UInt8>?, _ name: StaticString, _ base64Name: StaticString, to json: inout JSONWriter
    ) {
        json.raw(name)
        if let bytes, let text = String(validating: bytes, as: UTF8.self) {
            json.string(text)
        } else {
            json.raw("null")
        }
        json.raw(base64Name)
        if let bytes { json.plain(Data(bytes).base64EncodedString()) } else { json.raw("null") }
    }
}
