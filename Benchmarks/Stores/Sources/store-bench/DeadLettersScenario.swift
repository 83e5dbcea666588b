import Spillway
import SpillwayRocksDB

/// A store with many dead letters beside one with few, in one process: the same calls on each in turns.
struct DeadLettersScenario {
    private let options: Options

    init(_ options: Options) { self.options = options }

    private struct Place {
        let database: Database
        let store: RocksFailureStore
        let records: SampleRecords
    }

    func run() async throws -> Figures {
        let places = [try await place("few", options.few), try await place("many", options.records)]
        var figures = Figures()
        try await measure("first_page", places, &figures) { place, _ in
            try await Self.page(place, after: nil)
        }
        try await measure("page", places, &figures) { place, round in
            // Somewhere, and elsewhere each time; in full pages.
            let number = (round &* 7_919 &* 104_729) % (place.records.count / 2)
            try await Self.page(place, after: place.records.name(number))
        }
        try await measure("requeue", places, &figures) { place, round in
            let number = place.records.count / 2 + round
            guard try await place.store.requeueDeadLetters([place.records.name(number)], dueMs: 1_000) == 1 else {
                throw Options.Refusal(description: "letter \(number) did not go back")
            }
        }
        for place in places {
            place.store.close()
            try place.database.close()
        }
        return figures
    }

    /// The median of each place's calls, in microseconds.
    private func measure(
        _ name: String, _ places: [Place], _ figures: inout Figures, _ call: (Place, Int) async throws -> Void
    ) async throws {
        var times = [[Double]](repeating: [], count: places.count)
        for round in 0..<options.rounds {
            for (index, place) in places.enumerated() {
                times[index].append(try await time { try await call(place, round) } * 1e6)
            }
        }
        figures.set("\(name)_few_us", times[0].median)
        figures.set("\(name)_many_us", times[1].median)
    }

    private static func page(_ place: Place, after name: RecordName?) async throws {
        let letters = try await place.store.deadLetters(group: SampleRecords.group, after: name, limit: 50)
        guard letters.count == 50 else { throw Options.Refusal(description: "a page of \(letters.count)") }
    }

    /// A store with so many letters, opened anew after they were written.
    private func place(_ name: String, _ count: Int) async throws -> Place {
        let path = "\(options.directory)/\(name)"
        var options = options
        options.records = count
        let records = SampleRecords(options)
        let filled = try Database.open(path)
        let filling = try RocksFailureStore(filled)
        for start in stride(from: 0, to: count, by: 1_000) {
            try await filling.apply(
                (start..<min(start + 1_000, count)).map { .bury(records.letter($0)) }, group: SampleRecords.group,
                generations: [:])
        }
        filling.close()
        try filled.close()
        let database = try Database.open(path)
        return Place(database: database, store: try RocksFailureStore(database), records: records)
    }
}
