/// Instants as RFC 3339 writes them. Reading is strict: `2026-11-21T13:51:00Z`, with a fraction of a second if wanted, and
/// `Z` or an offset such as `+01:00`. Lower-case `t` and `z` are allowed as there; a space in place of `T` is not.
package enum RFC3339 {
    /// Milliseconds since 1970 UTC, finer fractions cut off; nil if the text is not an instant of 1970 to 9999. A leap
    /// second counts as the second that follows it.
    package static func milliseconds(_ text: Substring.UTF8View) -> Int64? {
        var cursor = Cursor(rest: text)
        guard let year = cursor.digits(4), cursor.take("-"), let month = cursor.digits(2), cursor.take("-") else {
            return nil
        }
        guard let day = cursor.digits(2), cursor.take("T") || cursor.take("t"), let hour = cursor.digits(2) else {
            return nil
        }
        guard cursor.take(":"), let minute = cursor.digits(2), cursor.take(":"), let second = cursor.digits(2) else {
            return nil
        }
        guard let fraction = cursor.fraction(), let offset = cursor.offsetMinutes(), cursor.rest.isEmpty else {
            return nil
        }
        guard year >= 1970, (1...12).contains(month), (1...daysOf(month, year)).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        let days = daysSince1970(year, month, day)
        let minutes = (days * 24 + Int64(hour)) * 60 + Int64(minute) - Int64(offset)
        // A leap second is the last one of a month in UTC.
        if second == 60, minutes % 1_440 != 1_439 { return nil }
        let milliseconds = (minutes * 60 + Int64(second)) * 1_000 + Int64(fraction)
        return milliseconds >= 0 ? milliseconds : nil
    }

    private static func daysOf(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil: years begin in March.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    private struct Cursor {
        var rest: Substring.UTF8View

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func digit() -> Int? {
            guard let byte = rest.first, byte >= 0x30, byte <= 0x39 else { return nil }
            rest = rest.dropFirst()
            return Int(byte - 0x30)
        }

        mutating func digits(_ count: Int) -> Int? {
            var number = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                number = number * 10 + digit
            }
            return number
        }

        /// Milliseconds of the fraction; 0 without one; nil for a point without digits.
        mutating func fraction() -> Int? {
            guard take(".") else { return 0 }
            guard var milliseconds = digit() else { return nil }
            var count = 1
            while let next = digit() {
                if count < 3 { milliseconds = milliseconds * 10 + next }
                count += 1
            }
            for _ in count..<max(count, 3) { milliseconds *= 10 }
            return milliseconds
        }

        mutating func offsetMinutes() -> Int? {
            if take("Z") || take("z") { return 0 }
            let sign: Int
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hours = digits(2), take(":"), let minutes = digits(2), hours < 24, minutes < 60 else {
                return nil
            }
            return sign * (hours * 60 + minutes)
        }
    }
}
