import CCurl

/// One HTTP request by libcurl, start to end on the calling thread. Owns the handle.
@safe final class CurlRequest {
    /// What came back.
    struct Answer: Sendable, Equatable {
        /// The status.
        var status: Int
        /// The body, cut at ``CurlRequest/longestBody``.
        var body: [UInt8]
    }

    /// Why there is no answer.
    struct Failure: Error, CustomStringConvertible {
        /// libcurl's words.
        let description: String
    }

    /// The part of a body that is kept, in bytes: room for a record of 1 MiB as text with escapes and as Base64.
    static let longestBody = 16 << 20

    private final class Body {
        var bytes: [UInt8] = []
    }

    private let handle: UnsafeMutableRawPointer
    private let body = Body()

    /// Makes a request.
    init(url: String) throws {
        guard let handle = unsafe curl_easy_init() else { throw Failure(description: "libcurl has no memory") }
        unsafe self.handle = unsafe handle
        try setText(CURLOPT_URL, url)
        try setText(CURLOPT_PROTOCOLS_STR, "http,https")
        try setLong(CURLOPT_CONNECTTIMEOUT, 10)
        try setLong(CURLOPT_NOSIGNAL, 1)
    }

    deinit { unsafe curl_easy_cleanup(handle) }

    /// Trusts these certificates instead of the system's.
    func trust(certificates path: String) throws { try setText(CURLOPT_CAINFO, path) }

    /// Sends the request and waits for the whole answer, as long as it takes.
    ///
    /// - Parameter content: the body; `nil` is none.
    func send(_ method: String, _ content: [UInt8]?, headers: [String]) throws -> Answer {
        var list: UnsafeMutablePointer<curl_slist>?
        defer { unsafe curl_slist_free_all(list) }
        for header in headers { unsafe list = curl_slist_append(list, header) }
        try unsafe check(spillway_curl_set_pointer(handle, CURLOPT_HTTPHEADER, list))
        try unsafe check(spillway_curl_set_write(handle, Self.write, Unmanaged.passUnretained(body).toOpaque()))
        if let content {
            try setLong(CURLOPT_POSTFIELDSIZE, content.count)
            // libcurl copies COPYPOSTFIELDS, and needs the size set before.
            try unsafe content.withUnsafeBytes { bytes in
                try unsafe check(spillway_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, bytes.baseAddress))
            }
        }
        // Behind the body, which makes it a POST.
        try setText(CURLOPT_CUSTOMREQUEST, method)
        try unsafe check(curl_easy_perform(handle))
        var status = 0
        try unsafe check(spillway_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status))
        return Answer(status: status, body: body.bytes)
    }

    /// Called by libcurl with each piece of the body, only inside `curl_easy_perform`, while `self` holds the box.
    private static let write: WriteFunction = { bytes, size, count, context in
        guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
        let body = unsafe Unmanaged<Body>.fromOpaque(context).takeUnretainedValue()
        let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
        unsafe body.bytes.append(contentsOf: piece.prefix(max(0, CurlRequest.longestBody - body.bytes.count)))
        return size * count
    }

    private typealias WriteFunction =
        @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int

    private func setText(_ option: CURLoption, _ text: String) throws {
        // libcurl copies texts that it is given.
        try unsafe text.withCString { try unsafe check(spillway_curl_set_pointer(handle, option, $0)) }
    }

    private func setLong(_ option: CURLoption, _ number: Int) throws {
        try unsafe check(spillway_curl_set_long(handle, option, number))
    }

    private func check(_ code: CURLcode) throws {
        guard code != CURLE_OK else { return }
        let reason = unsafe curl_easy_strerror(code).map { unsafe String(cString: $0) }
        throw Failure(description: reason ?? "libcurl's error \(code.rawValue)")
    }
}
