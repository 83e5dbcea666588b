@_spi(Fuzzing) import SpillwayHTTP

/// libFuzzer's entry: one input, to a connection's state machine.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    HTTPFuzzTarget.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
