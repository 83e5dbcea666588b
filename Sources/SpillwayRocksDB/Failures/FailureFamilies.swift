/// The column families of a failure store; what is in them, ``FailureKeys`` says.
enum FailureFamilies {
    static let side = "side-queue"
    /// Of held entries.
    static let names = "side-names"
    static let letters = "dead-letters"

    static let all = [side, names, letters]

    /// What a family is opened with; `nil` for one that is not of a failure store.
    static func options(_ name: String) -> ColumnFamily.Options? {
        guard all.contains(name) else { return nil }
        var options = ColumnFamily.Options(name: name)
        options.writeBufferBytes = 16 << 20
        if name == side {
            // Blocks of entries that are read by few and whole; most go again before the levels below see them, so that
            // packing them is for nothing.
            options.writeBufferBytes = 32 << 20
            options.blockBytes = 16 << 10
            options.compression = .none
            options.bottomCompression = .lz4
            options.level0Files = 8
        }
        if name == letters {
            // Letters come seldom and are listed by page: with few files on top a page is read from few places.
            options.level0Files = 2
        }
        return options
    }
}
