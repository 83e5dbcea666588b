import FoundationEssentials
import SpillwayHTTP

/// `spillway groups …`.
enum GroupsCommand {
    private struct Group: Decodable {
        var topic: String
        var group: String
        var members: Int
        var holdsRetention: Bool
        var lagRecords: Int
        var committed: [String: String]
    }

    private struct Groups: Decodable {
        var items: [Group]
    }

    private struct Offsets: Decodable {
        var committed: [String: String]
    }

    static func list(_ values: OptionValues, _ terminal: Terminal) throws -> ExitCode {
        try Administration.run(values, .groupsList) { administrator in
            let answer = try administrator.ask(.get, "/v1/admin/groups")
            if values[OptionTable.json] {
                terminal.writeResult(answer + [UInt8(ascii: "\n")])
                return .done
            }
            var table = TextTable(["TOPIC", "GROUP", "MEMBERS", "HOLDS", "LAG", "COMMITTED"])
            for group in try administrator.read(Groups.self, answer).items {
                table.add([
                    group.topic, group.group, "\(group.members)", group.holdsRetention ? "yes" : "no",
                    "\(group.lagRecords)", text(group.committed),
                ])
            }
            terminal.print(table.text)
            return .done
        }
    }

    static func delete(
        _ values: OptionValues, topic: String, group: String, _ terminal: Terminal
    ) throws -> ExitCode {
        _ = try Administration.run(values, .groupsDelete) { try $0.ask(.delete, path(topic, group)) }
        terminal.print("deleted \(TextTable.harmless(group)) of \(TextTable.harmless(topic))")
        return .done
    }

    static func seek(
        _ values: OptionValues, topic: String, group: String, _ terminal: Terminal
    ) throws -> ExitCode {
        guard let text = values.optional(OptionTable.seekTarget) else {
            throw CommandError(.usage, "groups seek needs --to: where to begin")
        }
        let body = Array(try JSONEncoder().encode(try SeekTarget(text)))
        return try Administration.run(values, .groupsSeek) { administrator in
            let answer = try administrator.ask(.put, path(topic, group) + "/offsets", body: body)
            if values[OptionTable.json] {
                terminal.writeResult(answer + [UInt8(ascii: "\n")])
                return .done
            }
            let committed = try administrator.read(Offsets.self, answer).committed
            terminal.print(
                "\(TextTable.harmless(group)) of \(TextTable.harmless(topic)) begins at \(self.text(committed))")
            return .done
        }
    }

    private static func path(_ topic: String, _ group: String) -> String {
        "/v1/admin/groups/\(AdminClient.encoded(topic))/\(AdminClient.encoded(group))"
    }

    /// `0=1-42,1=1-40`, as `--to` takes it.
    private static func text(_ committed: [String: String]) -> String {
        committed.sorted { (Int($0.key) ?? 0, $0.key) < (Int($1.key) ?? 0, $1.key) }.map { "\($0.key)=\($0.value)" }
            .joined(separator: ",")
    }
}
