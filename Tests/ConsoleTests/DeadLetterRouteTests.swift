import Spillway
import SpillwayHTTP
import Synchronization
import Testing

@Suite struct DeadLetterRouteTests {
    struct Letter: Decodable {
        struct Header: Decodable, Equatable {
            var name: String
            var value: String?
            var valueBase64: String
        }
        var id: String
        var group: String
        var source: String
        var topic: String
        var partition: Int
        var position: String
        var key: String?
        var keyBase64: String?
        var reason: String
        var attempts: Int
        var failedAt: String
        var valueBytes: Int?
        var timestamp: String?
        var headers: [Header]?
        var value: String?
        var valueBase64: String?
    }

    struct Page: Decodable {
        var items: [Letter]
        var nextCursor: String?
    }

    struct Requeued: Decodable {
        var requeued: Int
        var nextCursor: String?
    }

    private let path = "/v1/admin/dead-letters"

    @Test func aPageSaysWhatAndWhy() async throws {
        let harness = try ConsoleHarness()
        try await harness.store.bury(ProbedFailureStore.letter(reason: "no \"such\" user\n"))
        let answer = try await harness.send(.get, path)
        #expect(answer.status == 200 && answer["Cache-Control"] == "no-store")
        let page = try answer.read(Page.self)
        let letter = try #require(page.items.first)
        #expect(page.items.count == 1 && page.nextCursor == nil && answer.text.contains(#""next_cursor":null"#))
        #expect(RecordName(text: letter.id) == ProbedFailureStore.letter().name)
        #expect(letter.group == "g" && letter.source == "memory" && letter.topic == "t" && letter.partition == 0)
        #expect(letter.position == "1-42" && letter.key == "k" && letter.keyBase64 == "aw==")
        #expect(letter.reason == "no \"such\" user\n" && letter.attempts == 3)
        #expect(letter.failedAt == "2026-01-01T00:00:01.500Z" && letter.valueBytes == 1)
        #expect(letter.value == nil && letter.headers == nil)
    }

    @Test func pagesLeadThroughAllOfThemOnce() async throws {
        let harness = try ConsoleHarness()
        try await harness.store.bury(75, group: "b")
        try await harness.store.bury(60, group: "a")
        for (query, expected) in [
            ("?limit=50&", 135), ("?limit=17&group=b&", 75), ("?", 135), ("?limit=100&group=c&", 0),
        ] {
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await harness.send(.get, path + query + cursor).read(Page.self)
                seen += page.items.map(\.id)
                cursor = page.nextCursor.map { "cursor=\($0)" } ?? ""
                #expect(cursor.isEmpty || !page.items.isEmpty)
            } while !cursor.isEmpty && seen.count < 1_000
            #expect(seen.count == expected && Set(seen).count == expected, "\(query)")
        }
        // A page of a hundred letters of 1 MiB each must not stand in memory.
        #expect(harness.store.state.withLock { $0.largestPage } <= 17)
        for exact in [1, 60, 100] {
            let page = try await harness.send(.get, path + "?group=a&limit=\(exact)").read(Page.self)
            #expect(page.items.count == min(exact, 60) && (page.nextCursor == nil) == (exact >= 60))
        }
    }

    @Test func whatIsNoPageIsRefused() async throws {
        let harness = try ConsoleHarness()
        for limit in ["0", "101", "-1", "x", ""] {
            let answer = try await harness.send(.get, path + "?limit=\(limit)")
            #expect(try answer.status == 422 && answer.problem.field == "limit")
        }
        let answer = try await harness.send(.get, path + "?cursor=abc")
        #expect(try answer.status == 400 && answer.problem.type == "invalid-cursor")
    }

    @Test func oneLetterIsShownWithItsBytes() async throws {
        let harness = try ConsoleHarness()
        let letters = [
            ProbedFailureStore.letter(
                Position(high: 1, low: 1), key: [0xFF], value: [0xFF, 0],
                headers: [Header(name: "h", value: Array("ä".utf8)), Header(name: "h", value: [0x80])]),
            ProbedFailureStore.letter(Position(high: 1, low: 2), key: nil, value: nil),
            ProbedFailureStore.letter(Position(high: 1, low: 3), key: [], value: Array("{\"a\":\"\u{1}\"}".utf8)),
        ]
        for letter in letters { try await harness.store.bury(letter) }
        let binary = try await harness.send(.get, "\(path)/\(letters[0].name.text)").read(Letter.self)
        #expect(binary.key == nil && binary.keyBase64 == "/w==" && binary.value == nil && binary.valueBase64 == "/wA=")
        #expect(
            binary.headers == [
                .init(name: "h", value: "ä", valueBase64: "w6Q="), .init(name: "h", value: nil, valueBase64: "gA=="),
            ])
        #expect(binary.timestamp == "2026-01-01T00:00:00.000Z")
        let tombstone = try await harness.send(.get, "\(path)/\(letters[1].name.text)").read(Letter.self)
        #expect(tombstone.key == nil && tombstone.keyBase64 == nil)
        #expect(tombstone.value == nil && tombstone.valueBase64 == nil && tombstone.valueBytes == nil)
        let text = try await harness.send(.get, "\(path)/\(letters[2].name.text)").read(Letter.self)
        #expect(text.key == "" && text.keyBase64 == "" && text.value == "{\"a\":\"\u{1}\"}")
        let missing = RecordName(group: "x", partition: letters[0].name.partition, position: .start)
        #expect(try await harness.send(.get, "\(path)/\(missing.text)").status == 404)
    }

    @Test func aLetterGoesBackOnceHoweverOftenItIsAsked() async throws {
        var limits = FailureStoreLimits()
        limits.sideRecords = 1
        let harness = try ConsoleHarness(limits: limits)
        try await harness.store.bury(2)
        let name = ProbedFailureStore.letter(Position(high: 1, low: 1)).name
        let target = "\(path)/\(name.text)/requeue"
        #expect(try await harness.send(.post, target).text == #"{"requeued":1}"#)
        #expect(try await harness.send(.post, target, body: "{}").text == #"{"requeued":0}"#)
        let requeued = try await harness.store.sideEntries()
        #expect(requeued.map(\.name) == [name] && requeued.map(\.dueMs) == [1_800_000_000_000])
        #expect(try await harness.send(.post, "\(path)/nonsense/requeue").status == 404)
        let other = ProbedFailureStore.letter(Position(high: 1, low: 2)).name
        let full = try await harness.send(.post, "\(path)/\(other.text)/requeue")
        #expect(try full.status == 503 && full.problem.type == "failure-store-full" && full["Retry-After"] != nil)
    }

    @Test func aGroupGoesBackInPages() async throws {
        let harness = try ConsoleHarness()
        try await harness.store.bury(200, group: "a")
        try await harness.store.bury(3, group: "b")
        let answer = try await harness.send(.post, path + "/requeue", body: #"{"group":"a"}"#)
        #expect(answer.text == #"{"requeued":200,"next_cursor":null}"#)
        #expect(try await harness.send(.get, path).read(Page.self).items.map(\.group) == ["b", "b", "b"])
        #expect(
            try await harness.send(.post, path + "/requeue", body: #"{"group":"a"}"#).read(Requeued.self).requeued == 0)
        for (body, field) in [("{}", "group"), (#"{"group":1}"#, "group")] {
            #expect(try await harness.send(.post, path + "/requeue", body: body).problem.field == field)
        }
        let bad = try await harness.send(.post, path + "/requeue", body: #"{"group":"a","cursor":"x"}"#)
        #expect(try bad.status == 400 && bad.problem.type == "invalid-cursor")
    }

    @Test func aGroupThatNoStoreCanHaveIsRefused() async throws {
        let harness = try ConsoleHarness()
        let (longest, long) = (String(repeating: "g", count: 255), String(repeating: "g", count: 256))
        for (group, status) in [(longest, 200), (long, 422)] {
            let listed = try await harness.send(.get, path + "?group=" + group)
            let requeued = try await harness.send(.post, path + "/requeue", body: #"{"group":"\#(group)"}"#)
            #expect(listed.status == status && requeued.status == status)
            if status == 422 { #expect(try listed.problem.field == "group" && requeued.problem.field == "group") }
        }
    }

    /// What fails again at once is not sent round and round.
    @Test func lettersThatComeBackAreNotSentAgain() async throws {
        let harness = try ConsoleHarness()
        try await harness.store.bury(128, group: "a")
        harness.store.state.withLock { $0.comesBack = true }
        let answer = try await harness.send(.post, path + "/requeue", body: #"{"group":"a"}"#).read(Requeued.self)
        #expect(answer.requeued == 128 && answer.nextCursor == nil)
    }

    @Test func whenThereIsNoMoreRoomWhatWentBackIsTold() async throws {
        var limits = FailureStoreLimits()
        limits.sideRecords = 130
        let harness = try ConsoleHarness(limits: limits)
        try await harness.store.bury(150, group: "a")
        let first = try await harness.send(.post, path + "/requeue", body: #"{"group":"a"}"#).read(Requeued.self)
        #expect(first.requeued == 128)
        let cursor = try #require(first.nextCursor)
        let body = #"{"group":"a","cursor":"\#(cursor)"}"#
        #expect(try await harness.send(.post, path + "/requeue", body: body).status == 503)
        for entry in try await harness.store.sideEntries(group: "a") {
            try await harness.store.apply([.remove(entry.name)])
        }
        #expect(try await harness.send(.post, path + "/requeue", body: body).read(Requeued.self).requeued == 22)
    }

    /// A group of whole batches would never see again what goes to a side queue.
    @Test func whatItsGroupWouldNotTakeBackIsNotSentBack() async throws {
        let harness = try ConsoleHarness()
        try await harness.store.bury(2, group: "projection")
        let name = ProbedFailureStore.letter(group: "projection", Position(high: 1, low: 1)).name
        for (target, body) in [("\(path)/\(name.text)/requeue", nil), (path + "/requeue", #"{"group":"projection"}"#)] {
            let answer = try await harness.send(.post, target, body: body)
            #expect(try answer.status == 409 && answer.problem.type == "not-requeueable")
            #expect(try answer.problem.detail.contains("projection"))
        }
        #expect(try await harness.store.deadLetterCount(group: "projection").records == 2)
        #expect(try await harness.store.sideEntries(group: "projection").isEmpty)
        #expect(try await harness.send(.get, "\(path)/\(name.text)").status == 200)
        #expect(try await harness.send(.delete, "\(path)/\(name.text)").status == 204)
        #expect(try await harness.store.deadLetterCount(group: "projection").records == 1)
    }

    @Test func aLetterIsThrownAwayAndAgainIsNoError() async throws {
        let harness = try ConsoleHarness()
        try await harness.store.bury(1)
        let target = "\(path)/\(ProbedFailureStore.letter(Position(high: 1, low: 1)).name.text)"
        for _ in 0..<2 {
            let answer = try await harness.send(.delete, target)
            #expect(answer.status == 204 && answer.text.isEmpty)
        }
        #expect(try await harness.send(.get, target).status == 404)
        #expect(try await harness.send(.delete, "\(path)/nonsense").status == 404)
    }

    @Test func aStoreThatFailsIsToldByWhetherItPasses() async throws {
        let harness = try ConsoleHarness()
        for (error, status, field) in [
            (FailureStoreError(.failed, "busy"), 503, nil), (.init(.failed, "broken", isRetriable: false), 500, nil),
            (.init(.invalidName, "too long", isRetriable: false), 422, "group"),
        ] as [(FailureStoreError, Int, String?)] {
            harness.store.state.withLock { $0.failure = error }
            let answer = try await harness.send(.get, path + "?group=x")
            #expect(try answer.status == status && answer.problem.field == field)
        }
    }
}
