import CCurl

/// HTTP requests to one address by libcurl, each start to end on the calling thread; the connection stays open between
/// them. Owns the handle.
@safe package final class CurlRequest {
    /// What came back.
    package struct Answer: Sendable, Equatable {
        /// The status.
        package var status: Int
        /// The body, cut at ``CurlRequest/longestBody``.
        package var body: [UInt8]
        /// What `Retry-After` says, also where it names a date; nil without it.
        package var retryAfter: Duration?

        /// Makes an answer, as tests of callers need.
        package init(status: Int, body: [UInt8], retryAfter: Duration? = nil) {
            self.status = status
            self.body = body
            self.retryAfter = retryAfter
        }
    }

    /// Why there is no answer.
    package struct Failure: Error, CustomStringConvertible {
        /// libcurl's words.
        package let description: String

        /// Makes a failure, as tests of callers need.
        package init(description: String) { self.description = description }
    }

    /// The part of a body that is kept, in bytes: room for a record of 1 MiB as text with escapes and as Base64.
    package static let longestBody = 16 << 20

    private final class Body {
        var bytes: [UInt8] = []
    }

    private let handle: UnsafeMutableRawPointer
    private let body = Body()

    /// Makes a request. Only http and https are spoken.
    package init(url: String) throws {
        guard let handle = unsafe curl_easy_init() else { throw Failure(description: "libcurl has no memory") }
        unsafe self.handle = unsafe handle
        try setText(CURLOPT_URL, url)
        try setText(CURLOPT_PROTOCOLS_STR, "http,https")
        try setLong(CURLOPT_CONNECTTIMEOUT, 10)
        try setLong(CURLOPT_NOSIGNAL, 1)
    }

    deinit { unsafe curl_easy_cleanup(handle) }

    /// Trusts these certificates instead of the system's.
    package func trust(certificates path: String) throws { try setText(CURLOPT_CAINFO, path) }

    /// Sends a request and waits for the whole answer.
    ///
    /// - Parameters:
    ///   - content: the body; `nil` is none.
    ///   - timeout: how long it may take, at least a millisecond; nil is as long as it takes.
    ///   - cancellation: ends it sooner.
    package func send(
        _ method: String, _ content: [UInt8]?, headers: [String], timeout: Duration? = nil,
        cancellation: CurlCancellation? = nil
    ) throws -> Answer {
        var list: UnsafeMutablePointer<curl_slist>?
        defer { unsafe curl_slist_free_all(list) }
        for header in headers { unsafe list = curl_slist_append(list, header) }
        try unsafe check(spillway_curl_set_pointer(handle, CURLOPT_HTTPHEADER, list))
        body.bytes = []
        try unsafe check(spillway_curl_set_write(handle, Self.write, Unmanaged.passUnretained(body).toOpaque()))
        let cancellation = cancellation ?? CurlCancellation()
        try unsafe check(
            spillway_curl_set_progress(handle, Self.progress, Unmanaged.passUnretained(cancellation).toOpaque()))
        try setLong(CURLOPT_TIMEOUT_MS, timeout.map { max(1, Int($0 / .milliseconds(1))) } ?? 0)
        // The handle may have carried a body before.
        try setLong(CURLOPT_HTTPGET, 1)
        if let content {
            try setLong(CURLOPT_POSTFIELDSIZE, content.count)
            // libcurl copies COPYPOSTFIELDS, and needs the size set before.
            try unsafe content.withUnsafeBytes { bytes in
                try unsafe check(spillway_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, bytes.baseAddress))
            }
        }
        // Behind the body, which makes it a POST.
        try setText(CURLOPT_CUSTOMREQUEST, method)
        try withExtendedLifetime(cancellation) { try unsafe check(curl_easy_perform(handle)) }
        return try answer()
    }

    private func answer() throws -> Answer {
        var status = 0
        try unsafe check(spillway_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status))
        var seconds: curl_off_t = 0
        try unsafe check(spillway_curl_get_offset(handle, CURLINFO_RETRY_AFTER, &seconds))
        return Answer(status: status, body: body.bytes, retryAfter: seconds > 0 ? .seconds(Int64(seconds)) : nil)
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

    /// Called by libcurl as it goes on, at least once a second and only inside `curl_easy_perform`, while the caller
    /// holds the cancellation. Not zero ends the request.
    private static let progress: ProgressFunction = { context, _, _, _, _ in
        guard let context = unsafe context else { return 0 }
        let cancellation = unsafe Unmanaged<CurlCancellation>.fromOpaque(context).takeUnretainedValue()
        return cancellation.isCancelled ? 1 : 0
    }

    private typealias ProgressFunction =
        @convention(c) (UnsafeMutableRawPointer?, curl_off_t, curl_off_t, curl_off_t, curl_off_t) -> Int32

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
