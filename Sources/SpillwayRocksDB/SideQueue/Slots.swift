/// Values under numbers that are used again; in one piece of memory, which goes with the last value.
struct Slots<Value: Sendable>: Sendable {
    private var values: [Value] = []
    private var freed: [UInt32] = []

    /// How many numbers there are, free ones included.
    var capacity: Int { values.count }

    mutating func add(_ value: Value) -> UInt32 {
        if let number = freed.popLast() {
            values[Int(number)] = value
            return number
        }
        values.append(value)
        return UInt32(values.count - 1)
    }

    /// Frees a number; its value stays until the number is used again.
    mutating func free(_ number: UInt32) {
        freed.append(number)
        if freed.count == values.count { (values, freed) = ([], []) }
    }

    subscript(_ number: UInt32) -> Value {
        get { values[Int(number)] }
        _modify { yield &values[Int(number)] }
    }
}
