/// The column families of a failure store; what is in them, ``FailureKeys`` says.
enum FailureFamilies {
    static let side = "side-queue"
    static let names = "side-names"
    static let letters = "dead-letters"

    static let all = [side, names, letters]

    /// What a family is opened with; `nil` for one that is not of a failure store.
    static func options(_ name: String) -> ColumnFamily.Options? {
        guard all.contains(name) else { return nil }
        var options = ColumnFamily.Options(name: name)
        options.writeBufferBytes = 16 << 20
        if name == side {
            // Due times are anywhere, and a skip list would look for the place of each: that was two fifths of what the
            // writer did. Walks come much less often than rows.
            options.memtable = .appended
            // Most entries go again before the levels below see them, so that packing them tight is for nothing.
            options.bottomCompression = .lz4
            options.level0Files = 8
        }
        if name == letters {
            // Letters come seldom and are listed by page: with few files on top a page is read from few places.
            options.level0Files = 2
        }
        if name == names {
            options.bottomCompression = .lz4
            options.level0Files = 8
            // Read by whole keys only, each a prefix of its own, and each call reads the rows of all its names: a hash
            // table finds and takes them in a fraction of what a skip list needs.
            options.prefixBytes = 255
            options.filtersWholeKeys = false
            options.memtable = .hashed(buckets: 131_072)
            options.hashesBlocks = true
        }
        return options
    }
}
