internal import SpillwayHTTP

extension RequestError {
    /// What ids of targets must look like, to follow a field's name.
    static let targetRule = "must be 1 to 128 characters of A-Z a-z 0-9 _ - . : ~"
}

/// What ids of clients may look like; checked on bytes, without making strings.
enum Identifiers {
    /// The greatest length of a target's id, in characters (which are bytes, since all are ASCII).
    static let maximumTargetLength = 128
    /// The greatest length of a user's id, in bytes of UTF-8.
    static let maximumUserLength = 255

    /// True for 1 to 128 characters of `A-Z a-z 0-9 _ - . : ~`.
    static func isTarget(_ id: String) -> Bool {
        var id = id
        return id.withUTF8 { bytes in
            guard !bytes.isEmpty, bytes.count <= maximumTargetLength else { return false }
            for byte in bytes where !isTargetByte(byte) { return false }
            return true
        }
    }

    /// True for 1 to 255 bytes without control characters: those of ASCII, DEL, and the C1 set, which in UTF-8 is 0xC2
    /// followed by 0x80 to 0x9F.
    static func isUser(_ id: String) -> Bool {
        var id = id
        return id.withUTF8 { bytes in
            guard !bytes.isEmpty, bytes.count <= maximumUserLength else { return false }
            var previous: UInt8 = 0
            for byte in bytes {
                if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return false }
                previous = byte
            }
            return true
        }
    }

    /// A bit for each character that a target's id may have; two words need no look-up.
    private static let lowTargetBytes: UInt64 = 0x07ff_6000_0000_0000
    private static let highTargetBytes: UInt64 = 0x47ff_fffe_87ff_fffe

    /// True for a character that a target's id may have.
    @inline(__always)
    static func isTargetByte(_ byte: UInt8) -> Bool {
        byte < 128 && (byte < 64 ? lowTargetBytes : highTargetBytes) &>> UInt64(byte & 63) & 1 != 0
    }

    /// True for 1 to 128 visible ASCII characters: what an idempotency key may be.
    static func isIdempotencyKey(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { bytes in
            guard !bytes.isEmpty, bytes.count <= 128 else { return false }
            for byte in bytes where byte < 0x21 || byte > 0x7E { return false }
            return true
        }
    }
}
