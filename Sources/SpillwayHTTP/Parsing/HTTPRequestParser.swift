internal import CHTTPParser

/// Makes requests of bytes. It owns the C parser, stops it behind each message, and refuses what the C parser lets
/// through. No I/O: bytes go in as they come, and it says how many belong to the present request.
@safe final class HTTPRequestParser {
    /// What became of the bytes.
    enum Event {
        /// All were taken, and the request is not complete.
        case partial
        /// The head is complete, and the client waits for `100 Continue` before it sends the body.
        case expectsContinue
        case complete(HTTPRequest)
        case refused(HTTPRefusal)
    }

    private enum Phase {
        case head
        case body
        case chunkedBody
    }

    private enum Last {
        case none, name, value
    }

    private let limits: HTTPLimits
    private let match: (HTTPMethod, Span<UInt8>) -> HTTPRouteMatch
    private let budget: BodyBudget
    private let parser: UnsafeMutablePointer<spillway_http_parser>

    private var phase = Phase.head
    private var storage = HTTPRequestStorage()
    private var isStorageUsed = false
    private var scanner = HeadScanner()
    private var framing = ChunkFraming()
    /// The piece of the head that the C parser works on, and where it stands in the copy.
    private var feedStart: UnsafeRawPointer?
    private var feedOffset = 0
    private var bodyLimit = 0
    /// What this request's body has taken out of the budget.
    private var reserved = 0
    private var last = Last.none
    private var isHeadComplete = false
    private var isMessageComplete = false
    private var refusal: HTTPRefusal?

    /// Whether the last complete request lets the connection stay open.
    private(set) var keepsAlive = true
    /// Whether the last complete head was one of HTTP/1.0.
    private(set) var isHTTP10 = false

    /// - Parameters:
    ///   - budget: what large bodies of all connections share.
    ///   - match: finds the route of a method and a path once the head is there, since the route says how large the body
    ///     may be.
    init(
        limits: HTTPLimits, budget: BodyBudget = BodyBudget(maximum: .max),
        match: @escaping (HTTPMethod, Span<UInt8>) -> HTTPRouteMatch
    ) {
        self.limits = limits
        self.budget = budget
        self.match = match
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: spillway_http_parser())
        unsafe parser.pointee.data = UnsafeMutableRawPointer(Unmanaged.passUnretained(self).toOpaque())
        unsafe spillway_http_init(parser, ParserCallbacks.settings)
    }

    deinit {
        budget.release(reserved)
        unsafe parser.deallocate()
    }

    /// Nobody reads the last request any more: what a large body took goes back.
    func releaseBody() {
        budget.release(reserved)
        reserved = 0
        if storage.body.capacity > BodyBudget.freeBytes { storage = HTTPRequestStorage() }
    }

    /// The present request from the moment its head is complete and good; its body may be missing. Nil before.
    var request: HTTPRequest? { isStorageUsed ? HTTPRequest(storage: storage) : nil }

    /// Whether bytes of a request were taken that is not complete.
    var isMidRequest: Bool { phase != .head || (scanner.hasBegun && !isStorageUsed) }

    /// Takes the next bytes.
    ///
    /// - Returns: how many belong to the present request, and what became of them. After `expectsContinue` the rest must
    ///   be offered again, after `complete` once the request is answered. After `refused` nothing may follow.
    func parse(_ bytes: UnsafeRawBufferPointer) -> (taken: Int, event: Event) {
        var taken = 0
        while taken < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[taken...])
            let (count, event) =
                switch phase {
                case .head: unsafe parseHead(rest)
                case .body: unsafe parseBody(rest, upTo: rest.count)
                case .chunkedBody: unsafe parseChunks(rest)
                }
            taken += count
            if let event { return (taken, event) }
        }
        return (taken, .partial)
    }

    private func parseHead(_ bytes: UnsafeRawBufferPointer) -> (Int, Event?) {
        if isStorageUsed { renew() }
        var count = bytes.count
        var isComplete = false
        switch unsafe scanner.scan(bytes) {
        case .partial: break
        case .complete(let end):
            count = end
            isComplete = true
        case .refused(let why): return (0, .refused(HTTPRefusal(.smuggling, why)))
        }
        // The callbacks note where things stand in this copy.
        unsafe feedStart = bytes.baseAddress
        feedOffset = storage.bytes.count
        unsafe storage.bytes.append(contentsOf: bytes[..<count])
        let taken = unsafe execute(bytes, count)
        if let refusal { return (count, .refused(refusal)) }
        if storage.bytes.count - storage.target.count > limits.maximumHeaderBytes {
            return (count, .refused(Self.headTooLarge))
        }
        guard unsafe spillway_http_is_ok(parser) != 0 else { return (count, .refused(parserError())) }
        if !isComplete && !isHeadComplete { return (count, nil) }
        guard isComplete && isHeadComplete && taken == count else {
            return (count, .refused(Self.ambiguousHead))
        }
        return (count, finishHead())
    }

    private static var headTooLarge: HTTPRefusal {
        HTTPRefusal(.headersTooLarge, .requestHeaderFieldsTooLarge, "the header fields are too large or too many")
    }

    /// Checks a complete head and says whether a body follows.
    private func finishHead() -> Event? {
        do throws(HTTPRefusal) {
            let isChunked = unsafe spillway_http_is_chunked(parser) != 0
            storage.method = unsafe HTTPMethod(UInt32(parser.pointee.method))
            let version = unsafe (Int(parser.pointee.http_major), Int(parser.pointee.http_minor))
            let head = try HeadValidator.check(storage, version: version, isChunked: isChunked)
            keepsAlive = unsafe spillway_http_keep_alive(parser) != 0
            isHTTP10 = version.1 == 0
            isStorageUsed = true
            let bytes = storage.bytes
            storage.match = match(storage.method, bytes.span.extracting(storage.path))
            if isMessageComplete { return complete() }
            bodyLimit = storage.match.maximumBodyBytes ?? limits.maximumBodyBytes
            if !isChunked {
                let length = unsafe parser.pointee.content_length
                guard length <= UInt64(bodyLimit) else { throw bodyTooLarge }
                try reserve(Int(length))
            }
            phase = isChunked ? .chunkedBody : .body
            return head.expectsContinue ? .expectsContinue : nil
        } catch {
            return .refused(error)
        }
    }

    private var bodyTooLarge: HTTPRefusal {
        HTTPRefusal(
            .bodyTooLarge, .contentTooLarge,
            bodyLimit == 0 ? "this path takes no body" : "the body may have \(bodyLimit) bytes at most")
    }

    /// Takes what a body of that many bytes needs out of the budget.
    private func reserve(_ count: Int) throws(HTTPRefusal) {
        let missing = count - BodyBudget.freeBytes - reserved
        if missing <= 0 { return }
        guard budget.reserve(missing) else {
            throw HTTPRefusal(
                .memory,
                problem: .retry(
                    .serviceUnavailable, after: .seconds(1), detail: "the server holds too many large bodies"))
        }
        reserved += missing
    }

    private func parseChunks(_ bytes: UnsafeRawBufferPointer) -> (Int, Event?) {
        switch unsafe framing.scan(bytes) {
        case .partial:
            let result = unsafe parseBody(bytes, upTo: bytes.count)
            if case .complete? = result.1 { return (result.0, .refused(Self.ambiguousBody)) }
            return result
        case .complete(let end):
            let result = unsafe parseBody(bytes, upTo: end)
            if case .refused? = result.1 { return result }
            guard result.1 != nil, result.0 == end else { return (result.0, .refused(Self.ambiguousBody)) }
            return result
        case .refused(let why):
            return (0, .refused(HTTPRefusal(.smuggling, why)))
        }
    }

    private static var ambiguousHead: HTTPRefusal {
        HTTPRefusal(.smuggling, "the end of the head is ambiguous")
    }

    private static var ambiguousBody: HTTPRefusal {
        HTTPRefusal(.smuggling, "the end of the chunked body is ambiguous")
    }

    private func parseBody(_ bytes: UnsafeRawBufferPointer, upTo count: Int) -> (Int, Event?) {
        let taken = unsafe execute(bytes, count)
        if let refusal { return (taken, .refused(refusal)) }
        guard unsafe spillway_http_is_ok(parser) != 0 else { return (taken, .refused(parserError())) }
        return (taken, isMessageComplete ? complete() : nil)
    }

    private func complete() -> Event {
        phase = .head
        return .complete(HTTPRequest(storage: storage))
    }

    /// Makes ready for the next request; what the last one held is used again unless someone still has it.
    private func renew() {
        if isKnownUniquelyReferenced(&storage) {
            storage.reset()
        } else {
            storage = HTTPRequestStorage()
        }
        isStorageUsed = false
        scanner = HeadScanner()
        framing = ChunkFraming()
        last = .none
        isHeadComplete = false
        isMessageComplete = false
        unsafe spillway_http_init(parser, ParserCallbacks.settings)
    }

    private func execute(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> Int {
        unsafe spillway_http_execute(
            parser, ParserCallbacks.settings, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), count)
    }

    private func parserError() -> HTTPRefusal {
        HTTPRefusal(.malformed, "not HTTP/1.1: \(unsafe String(cString: spillway_http_error(parser)))")
    }
}

// MARK: - The C parser's callbacks

extension HTTPRequestParser {
    /// Where bytes of the present piece stand in the head.
    private func place(_ bytes: UnsafeBufferPointer<UInt8>) -> Range<Int> {
        guard let base = bytes.baseAddress, let feedStart = unsafe feedStart else {
            return feedOffset..<feedOffset
        }
        let start = unsafe feedOffset + feedStart.distance(to: UnsafeRawPointer(base))
        return start..<(start + bytes.count)
    }

    func tookTarget(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        let place = unsafe place(bytes)
        storage.target = storage.target.isEmpty ? place : storage.target.lowerBound..<place.upperBound
        if storage.target.count <= limits.maximumTargetBytes { return 0 }
        refusal = HTTPRefusal(
            .targetTooLong, .uriTooLong, "path and query may have \(limits.maximumTargetBytes) bytes at most")
        return -1
    }

    func tookFieldName(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        // Trailers are checked and dropped: nothing may come in through them.
        if isHeadComplete { return refuseInsideHead() }
        let place = unsafe place(bytes)
        if last != .name {
            if storage.fields.count == limits.maximumHeaderCount {
                refusal = Self.headTooLarge
                return -1
            }
            last = .name
            storage.fields.append(.init(name: place, value: place.upperBound..<place.upperBound))
        } else {
            let index = storage.fields.count - 1
            storage.fields[index].name = storage.fields[index].name.lowerBound..<place.upperBound
            storage.fields[index].value = place.upperBound..<place.upperBound
        }
        return 0
    }

    func tookFieldValue(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        if isHeadComplete || storage.fields.isEmpty { return 0 }
        let place = unsafe place(bytes)
        let index = storage.fields.count - 1
        let start = last == .value ? storage.fields[index].value.lowerBound : place.lowerBound
        last = .value
        storage.fields[index].value = start..<max(start, place.upperBound)
        return 0
    }

    /// The C parser is given no byte behind the head before both parsers agreed that it ends there.
    private func refuseInsideHead() -> Int32 {
        if phase != .head { return 0 }
        refusal = Self.ambiguousHead
        return -1
    }

    func headEnded() -> Int32 {
        isHeadComplete = true
        return 0
    }

    func tookBody(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        if refuseInsideHead() != 0 { return -1 }
        let count = storage.body.count + bytes.count
        do throws(HTTPRefusal) {
            if count > bodyLimit { throw bodyTooLarge }
            try reserve(count)
        } catch {
            refusal = error
            return -1
        }
        unsafe storage.body.append(contentsOf: bytes)
        return 0
    }

    func messageEnded() -> Int32 {
        isMessageComplete = true
        if unsafe spillway_http_is_chunked(parser) != 0 && refuseInsideHead() != 0 { return -1 }
        return unsafe spillway_http_pause(parser)
    }
}

extension HTTPMethod {
    /// Takes over the C parser's number.
    fileprivate init(_ number: UInt32) {
        switch number {
        case HTTP_GET.rawValue: self = .get
        case HTTP_HEAD.rawValue: self = .head
        case HTTP_POST.rawValue: self = .post
        case HTTP_PUT.rawValue: self = .put
        case HTTP_PATCH.rawValue: self = .patch
        case HTTP_DELETE.rawValue: self = .delete
        case HTTP_OPTIONS.rawValue: self = .options
        case HTTP_TRACE.rawValue: self = .trace
        default: self = .other
        }
    }
}
