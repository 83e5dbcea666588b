internal import Spillway
internal import SpillwayHTTP

/// The bodies of the answers about groups.
enum GroupAnswers {
    /// `{"items":[{"topic","group","members","holds_retention","lag_records","committed":{"0":"1-42",…}},…]}`.
    static func list(_ groups: [GroupSummary]) -> [UInt8] {
        var json = JSONWriter(capacity: 32 + groups.count * 192)
        json.raw("{\"items\":[")
        for (index, group) in groups.enumerated() {
            json.raw(index > 0 ? ",{\"topic\":" : "{\"topic\":")
            json.string(group.topic)
            json.raw(",\"group\":")
            json.string(group.group)
            json.raw(",\"members\":")
            json.integer(Int64(group.members))
            json.raw(group.holdsRetention ? ",\"holds_retention\":true" : ",\"holds_retention\":false")
            json.raw(",\"lag_records\":")
            json.integer(Int64(group.lagRecords))
            json.raw(",\"committed\":")
            write(group.committed, to: &json)
            json.raw("}")
        }
        json.raw("]}")
        return json.bytes
    }

    /// `{"topic","group","committed":{"0":"1-42",…}}`.
    static func offsets(topic: String, group: String, committed: [TopicPartition: Position]) -> [UInt8] {
        var json = JSONWriter()
        json.raw("{\"topic\":")
        json.string(topic)
        json.raw(",\"group\":")
        json.string(group)
        json.raw(",\"committed\":")
        write(committed, to: &json)
        json.raw("}")
        return json.bytes
    }

    private static func write(_ committed: [TopicPartition: Position], to json: inout JSONWriter) {
        json.raw("{")
        for (index, entry) in committed.sorted(by: { $0.key.partition < $1.key.partition }).enumerated() {
            if index > 0 { json.raw(",") }
            json.plain("\(entry.key.partition)")
            json.raw(":")
            json.plain(entry.value.text)
        }
        json.raw("}")
    }
}
