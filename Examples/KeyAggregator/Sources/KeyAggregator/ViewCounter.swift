import Spillway
import SpillwayCore
import SpillwayRocksDB

/// Folds the views of a page into one change of its counts: a thousand views that wait are one write.
struct ViewCounter: AggregateHandler {
    /// A record of the log: nobody cares what is in it, only when it was and where it stands.
    struct View {
        var minute: Int64
        var position: Position
    }

    let counts: CountTable
    let logger: Logger

    func decode(_ record: Record) throws -> View {
        guard let position = record.position else {
            throw HandlerError(.undecodable, "only records of a log are counted", isRetriable: false)
        }
        return View(minute: record.timestampMs / 60_000, position: position)
    }

    /// Keeps the places too. A record that comes again after a crash comes with others, so what was counted already can
    /// be told apart one by one only.
    func fold(_ view: View, into views: inout [View]?) {
        if views == nil { views = [] }
        views?.append(view)
    }

    func flush(_ pages: [KeyedAggregate<[View]>]) async throws -> [RecordOutcome] {
        let (new, repeated) = try counts.add(
            pages.map { (page: String(decoding: $0.key, as: UTF8.self), views: $0.aggregate) })
        logger.info("counted \(new) views of \(pages.count) pages, \(repeated) were counted before")
        return pages.map { _ in .done }
    }
}

/// Views by page and minute, and for each page the place up to which they are counted; both change in one write.
///
/// The table is in the broker's database, so its write-ahead log orders both: whatever a crash leaves, there is no commit
/// without the counts before it. A page's records are in one partition and come one batch after the other, so that nobody
/// else moves its place meanwhile.
struct CountTable: Sendable {
    let database: Database
    private let counts: ColumnFamily
    private let places: ColumnFamily

    init(_ database: Database) throws {
        self.database = database
        counts = try database.ensureFamily(ColumnFamily.Options(name: "counts"))
        places = try database.ensureFamily(ColumnFamily.Options(name: "places"))
    }

    /// Counts the views that stand behind what is counted, and says how many they were, and how many others. Blocks briefly.
    func add(_ pages: [(page: String, views: [ViewCounter.View])]) throws -> (new: Int, repeated: Int) {
        let batch = WriteBatch()
        var added = 0
        var repeated = 0
        for (page, views) in pages {
            let counted = try text(places, page).flatMap(Position.init(text:)) ?? .start
            let new = views.filter { $0.position >= counted }
            repeated += views.count - new.count
            guard let last = new.last else { continue }
            for (minute, views) in Dictionary(grouping: new, by: \.minute) {
                let key = Self.key(page, minute)
                let count = try text(counts, key).flatMap(Int.init) ?? 0
                batch.put(counts, Array(key.utf8), Array("\(count + views.count)".utf8))
            }
            batch.put(places, Array(page.utf8), Array(last.position.successor.text.utf8))
            added += new.count
        }
        if !batch.isEmpty { try database.write(batch) }
        return (added, repeated)
    }

    /// Every page, minute and count, in the order of the pages' bytes.
    func all() throws -> [String] {
        let rows = database.iterator(counts)
        var lines: [String] = []
        rows.seekToFirst()
        while rows.isValid {
            lines.append(String(decoding: rows.key + [UInt8(ascii: "\t")] + rows.value, as: UTF8.self))
            rows.next()
        }
        try rows.check()
        return lines
    }

    private func text(_ family: ColumnFamily, _ key: String) throws -> String? {
        try database.get(family, Array(key.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The minute has ten digits, so that the rows of a page stand in the order of time.
    private static func key(_ page: String, _ minute: Int64) -> String {
        let digits = "\(minute)"
        return page + "\t" + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }
}
