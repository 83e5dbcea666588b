import FoundationEssentials
import SpillwayHTTP

/// `spillway dead-letters …`.
enum DeadLettersCommand {
    /// What one request asks for at most.
    private static let page = 100

    static func list(_ values: OptionValues, _ terminal: Terminal) throws -> ExitCode {
        try Administration.run(values, .deadLettersList) { try list(values, $0, terminal) }
    }

    private static func list(
        _ values: OptionValues, _ administrator: any Administrator, _ terminal: Terminal
    ) throws -> ExitCode {
        var table = TextTable(["ID", "GROUP", "TOPIC", "POSITION", "KEY", "ATTEMPTS", "FAILED AT", "BYTES", "REASON"])
        var rest = values[OptionTable.limit]
        var cursor: String?
        repeat {
            var path = "/v1/admin/dead-letters?limit=\(min(page, rest))"
            if let group = values.optional(OptionTable.group) { path += "&group=\(AdminClient.encoded(group))" }
            if let cursor { path += "&cursor=\(AdminClient.encoded(cursor))" }
            let answer = try administrator.ask(.get, path)
            let letters = try administrator.read(DeadLetterText.Page.self, answer)
            if values[OptionTable.json] { terminal.writeResult(answer + [UInt8(ascii: "\n")]) }
            for letter in letters.items { table.add(letter.row) }
            rest -= letters.items.count
            cursor = letters.nextCursor
        } while rest > 0 && cursor != nil
        if !values[OptionTable.json] {
            terminal.print(table.text)
            if cursor != nil { terminal.error("there are more: --limit says how many are listed") }
        }
        return .done
    }

    static func show(_ values: OptionValues, id: String, _ terminal: Terminal) throws -> ExitCode {
        try Administration.run(values, .deadLettersShow) { administrator in
            let answer = try administrator.ask(.get, path(id))
            if values[OptionTable.json] {
                terminal.writeResult(answer + [UInt8(ascii: "\n")])
            } else {
                terminal.print(try administrator.read(DeadLetterText.self, answer).whole)
            }
            return .done
        }
    }

    static func requeue(_ values: OptionValues, ids: [String], _ terminal: Terminal) throws -> ExitCode {
        let group = values.optional(OptionTable.group)
        guard ids.isEmpty != (group == nil) else {
            throw CommandError(.usage, "dead-letters requeue needs either IDs or --group GROUP")
        }
        var count = 0
        do {
            try Administration.run(values, .deadLettersRequeue) { administrator in
                if let group { return try requeue(group, administrator, &count) }
                for id in ids {
                    let answer = try administrator.ask(.post, path(id) + "/requeue", body: Array("{}".utf8))
                    count += try administrator.read(Requeued.self, answer).requeued
                }
            }
        } catch let error as CommandError where count > 0 {
            throw CommandError(error.exitCode, "requeued \(count), and then \(error)")
        }
        terminal.print(values[OptionTable.json] ? "{\"requeued\":\(count)}" : "requeued \(count)")
        return .done
    }

    private struct GroupRequest: Encodable {
        var group: String
        var cursor: String?
    }

    private struct Requeued: Decodable {
        var requeued: Int
        var nextCursor: String?
    }

    /// Goes on until the answer is that there are no more.
    private static func requeue(_ group: String, _ administrator: any Administrator, _ count: inout Int) throws {
        var request = GroupRequest(group: group)
        repeat {
            let body = Array(try JSONEncoder().encode(request))
            let answer = try administrator.read(
                Requeued.self, try administrator.ask(.post, "/v1/admin/dead-letters/requeue", body: body))
            count += answer.requeued
            request.cursor = answer.nextCursor
        } while request.cursor != nil
    }

    static func discard(_ values: OptionValues, ids: [String], _ terminal: Terminal) throws -> ExitCode {
        try Administration.run(values, .deadLettersDiscard) { administrator in
            for (index, id) in ids.enumerated() {
                do {
                    _ = try administrator.ask(.delete, path(id))
                } catch let error as CommandError where index > 0 {
                    throw CommandError(error.exitCode, "discarded \(index), and then \(error)")
                }
            }
        }
        terminal.print("discarded \(ids.count)")
        return .done
    }

    private static func path(_ id: String) -> String { "/v1/admin/dead-letters/\(AdminClient.encoded(id))" }
}
