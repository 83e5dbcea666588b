extension RFC3339 {
    private static let year9999 = 253_402_300_799_999

    /// An instant in UTC with milliseconds: `2017-09-18T14:03:07.125Z`.
    ///
    /// - Parameter milliseconds: since 1970 UTC; held to the years 0 to 9999, which is what the format can say.
    package static func text(milliseconds: Int64) -> String {
        let milliseconds = min(max(milliseconds, -62_167_219_200_000), Int64(year9999))
        var days = milliseconds / 86_400_000
        var rest = milliseconds % 86_400_000
        if rest < 0 {
            rest += 86_400_000
            days -= 1
        }
        let (year, month, day) = civil(days: days)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        func put(_ value: Int64, _ digits: Int, _ after: StaticString) {
            var divisor: Int64 = 1
            for _ in 1..<digits { divisor *= 10 }
            while divisor > 0 {
                text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
                divisor /= 10
            }
            // A constant's bytes live for ever.
            unsafe text.append(after.utf8Start.pointee)
        }
        put(year, 4, "-")
        put(month, 2, "-")
        put(day, 2, "T")
        put(rest / 3_600_000, 2, ":")
        put(rest / 60_000 % 60, 2, ":")
        put(rest / 1_000 % 60, 2, ".")
        put(rest % 1_000, 3, "Z")
        return String(decoding: text, as: UTF8.self)
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01, after Howard Hinnant,
    /// "chrono-Compatible Low-Level Date Algorithms" (2013), `civil_from_days`.
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
