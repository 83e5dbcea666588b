internal import Reactions
internal import Spillway

/// What a partition's projection has applied, as it stands in the meta family under `applied/target/N` and
/// `applied/user/N`: the position to read next and the greatest version.
struct AppliedOffset: Equatable {
    var next: Position = .start
    var version: UInt64 = 0

    enum Projection: String, CaseIterable {
        case target
        case user
    }

    static func key(_ projection: Projection, partition: Int) -> [UInt8] {
        Array("applied/\(projection.rawValue)/\(partition)".utf8)
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        Numbers.append(fixed: next.high, to: &bytes)
        Numbers.append(fixed: next.low, to: &bytes)
        Numbers.append(fixed: version, to: &bytes)
        return bytes
    }

    init() {}

    init?(_ bytes: [UInt8]) {
        let read = unsafe bytes.withUnsafeBytes { bytes -> (UInt64, UInt64, UInt64)? in
            var reader = unsafe ByteReader(bytes)
            guard let high = reader.fixed(), let low = reader.fixed(), let version = reader.fixed() else { return nil }
            return (high, low, version)
        }
        guard let read else { return nil }
        next = Position(high: read.0, low: read.1)
        version = read.2
    }
}
