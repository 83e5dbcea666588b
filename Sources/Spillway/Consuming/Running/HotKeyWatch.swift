/// Which hot keys the log has named, so that it names each when it gets hot and when it no longer is.
struct HotKeyWatch: Sendable {
    /// A key as it is named.
    struct Name: Hashable, Sendable {
        var partition: TopicPartition
        /// Its first bytes.
        var key: [UInt8]

        init(_ figures: EngineInspection.HotKeyFigures) {
            partition = figures.partition
            key = figures.key
        }
    }

    /// The most keys that are named as hot at a time; a policy that makes everything hot must not flood the log.
    static let most = 20

    private var named: Set<Name> = []

    /// Takes in what is hot now, the hottest first.
    ///
    /// - Returns: what is to be named as hot, and what as no longer hot.
    mutating func look(at hot: [EngineInspection.HotKeyFigures]) -> (
        heated: [EngineInspection.HotKeyFigures], cooled: [Name]
    ) {
        let present = Set(hot.map { Name($0) })
        let cooled = named.subtracting(present)
        named.subtract(cooled)
        var heated: [EngineInspection.HotKeyFigures] = []
        for figures in hot where named.count < Self.most && named.insert(Name(figures)).inserted {
            heated.append(figures)
        }
        return (heated, Array(cooled))
    }
}
