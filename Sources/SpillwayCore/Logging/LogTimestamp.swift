/// Writes points in time in RFC 3339, UTC, with milliseconds, without a calendar and without allocating.
enum LogTimestamp {
    /// Appends `2026-11-21T13:39:00.123Z`. The civil date is Howard Hinnant's `civil_from_days`
    /// (https://howardhinnant.github.io/date_algorithms.html).
    static func append(milliseconds: Int64, to line: inout [UInt8]) {
        let days = floorDivide(milliseconds, 86_400_000)
        let inDay = milliseconds - days * 86_400_000
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        digits(year, 4, &line)
        line.append(UInt8(ascii: "-"))
        digits(month, 2, &line)
        line.append(UInt8(ascii: "-"))
        digits(day, 2, &line)
        line.append(UInt8(ascii: "T"))
        digits(inDay / 3_600_000, 2, &line)
        line.append(UInt8(ascii: ":"))
        digits(inDay / 60_000 % 60, 2, &line)
        line.append(UInt8(ascii: ":"))
        digits(inDay / 1_000 % 60, 2, &line)
        line.append(UInt8(ascii: "."))
        digits(inDay % 1_000, 3, &line)
        line.append(UInt8(ascii: "Z"))
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
        value >= 0 ? value / by : -((by - 1 - value) / by)
    }

    private static func digits(_ value: Int64, _ count: Int, _ line: inout [UInt8]) {
        var unit: Int64 = 1
        for _ in 1..<count { unit *= 10 }
        while unit > 0 {
            line.append(UInt8(ascii: "0") + UInt8(value / unit % 10))
            unit /= 10
        }
    }
}
