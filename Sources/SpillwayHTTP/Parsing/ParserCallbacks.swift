internal import CHTTPParser

/// The functions that the C parser calls; each finds its ``HTTPRequestParser`` and hands on.
enum ParserCallbacks {
    /// Made once and never changed or freed; the C parser only reads it.
    nonisolated(unsafe) static let settings: UnsafePointer<spillway_http_settings> = {
        // What bounds a head, a chunk's extensions and trailers is our own.
        spillway_http_leave_limits()
        let settings = UnsafeMutablePointer<spillway_http_settings>.allocate(capacity: 1)
        unsafe settings.initialize(to: spillway_http_settings())
        unsafe settings.pointee.on_url = { parser, bytes, count in
            unsafe with(parser) { unsafe $0.tookTarget(span(bytes, count)) }
        }
        unsafe settings.pointee.on_header_field = { parser, bytes, count in
            unsafe with(parser) { unsafe $0.tookFieldName(span(bytes, count)) }
        }
        unsafe settings.pointee.on_header_value = { parser, bytes, count in
            unsafe with(parser) { unsafe $0.tookFieldValue(span(bytes, count)) }
        }
        unsafe settings.pointee.on_headers_complete = { parser in unsafe with(parser) { $0.headEnded() } }
        unsafe settings.pointee.on_body = { parser, bytes, count in
            unsafe with(parser) { unsafe $0.tookBody(span(bytes, count)) }
        }
        unsafe settings.pointee.on_message_complete = { parser in unsafe with(parser) { $0.messageEnded() } }
        return unsafe UnsafePointer(settings)
    }()

    /// The C parser runs only inside a method of its owner, which therefore lives.
    @inline(__always)
    private static func with(
        _ parser: UnsafeMutablePointer<spillway_http_parser>?, _ body: (HTTPRequestParser) -> Int32
    ) -> Int32 {
        unsafe Unmanaged<HTTPRequestParser>.fromOpaque(parser!.pointee.data)._withUnsafeGuaranteedRef(body)
    }

    @inline(__always)
    private static func span(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(
            start: UnsafeRawPointer(bytes)?.assumingMemoryBound(to: UInt8.self), count: count)
    }
}
