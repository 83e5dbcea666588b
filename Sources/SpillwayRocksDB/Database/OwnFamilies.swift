/// The column families that are made by what stands in this module, known by their names: an opening comes before those
/// who ask for them, and what a family is opened with holds until it is opened again.
enum OwnFamilies {
    private static let fixed = [
        GroupStore.options, KeyValueStore.options, DeduplicationTable.options,
        MarkTable.options(RocksDeduplicator.defaultName),
    ]

    /// What a family is opened with; `nil` for one that is not ours.
    static func options(_ name: String) -> ColumnFamily.Options? {
        if name.hasPrefix(LogFamily.prefix) { return LogFamily.options(name) }
        return fixed.first { $0.name == name } ?? FailureFamilies.options(name)
    }
}
