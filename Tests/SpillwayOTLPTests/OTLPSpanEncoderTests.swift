import FoundationEssentials
import SpillwayCore
import Testing

@testable import SpillwayOTLP

@Suite struct OTLPSpanEncoderTests {
    private let encoder = OTLPSpanEncoder(
        serviceName: "shop", resourceAttributes: ["service.version": "1.2", "service.name": "not this"])

    private func text(_ spans: [FinishedSpan]) -> String { String(decoding: encoder.encode(spans), as: UTF8.self) }

    private static let context = TraceContext(
        traceID: .init(high: 0x5b8e_fff7_9803_8103, low: 0xd269_b633_813f_c60c), spanID: .init(0xeee1_9b7e_c3c1_b174),
        isSampled: true)

    private static func span() -> FinishedSpan {
        FinishedSpan(
            name: "work", context: context, startNanoseconds: 1_544_712_660_000_000_000, duration: .milliseconds(1_500))
    }

    private static let head =
        #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},"#
        + #"{"key":"service.version","value":{"stringValue":"1.2"}}]},"#
        + #""scopeSpans":[{"scope":{"name":"spillway"},"spans":["#
    private static let tail = "]}]}]}"

    @Test func aPlainSpanIsThisText() {
        #expect(
            text([Self.span()]) == Self.head
                + #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","flags":1,"#
                + #""name":"work","kind":1,"startTimeUnixNano":"1544712660000000000","#
                + #""endTimeUnixNano":"1544712661500000000"}"# + Self.tail)
    }

    @Test func everythingThatASpanCanHaveIsThere() throws {
        var span = Self.span()
        span.kind = .consumer
        span.parentSpanID = .init(1)
        span.context.state = try #require(TraceState(headers: ["a=1,b=2"]))
        span.attributes = ["s": "x", "i": -9_007_199_254_740_993, "d": 2.5, "b": true, "l": .strings(["p", "q"])]
        span.links = [
            SpanLink(context: TraceContext(traceID: .init(high: 0, low: 1), spanID: .init(2)), attributes: ["k": 1])
        ]
        span.droppedLinks = 3
        span.events = [SpanEvent(name: "exception", attributes: ["m": "y"], timeNanoseconds: 5)]
        span.droppedEvents = 4
        span.status = SpanStatus(code: .error, message: "it failed")
        let attributes =
            #""attributes":[{"key":"s","value":{"stringValue":"x"}},"#
            + #"{"key":"i","value":{"intValue":"-9007199254740993"}},{"key":"d","value":{"doubleValue":2.5}},"#
            + #"{"key":"b","value":{"boolValue":true}},"#
            + #"{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"p"},{"stringValue":"q"}]}}}]"#
        #expect(
            text([span]) == Self.head
                + #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","#
                + #""traceState":"a=1,b=2","flags":1,"parentSpanId":"0000000000000001","name":"work","kind":5,"#
                + #""startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661500000000","#
                + attributes
                + #","events":[{"timeUnixNano":"5","name":"exception","#
                + #""attributes":[{"key":"m","value":{"stringValue":"y"}}]}],"droppedEventsCount":4,"#
                + #""links":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","flags":0,"#
                + #""attributes":[{"key":"k","value":{"intValue":"1"}}]}],"droppedLinksCount":3,"#
                + #""status":{"message":"it failed","code":2}}"# + Self.tail)
    }

    @Test func kindsAndStatusesAreTheStandardsNumbers() {
        let numbers: [(SpanKind, Int)] = [(.internal, 1), (.server, 2), (.client, 3), (.producer, 4), (.consumer, 5)]
        #expect(numbers.count == SpanKind.allCases.count)
        for (kind, number) in numbers {
            var span = Self.span()
            span.kind = kind
            span.status = SpanStatus(code: .ok)
            #expect(text([span]).contains("\"kind\":\(number),"))
            #expect(text([span]).contains(#""status":{"code":1}"#))
        }
    }

    @Test func textsAreEscapedAndStayJSON() throws {
        struct Body: Decodable {
            struct Resource: Decodable { var scopeSpans: [Scope] }
            struct Scope: Decodable { var spans: [Span] }
            struct Span: Decodable { var name: String }
            var resourceSpans: [Resource]
        }
        let names = ["quote \" and \\", "line\n\r\t\u{0}\u{1f}", "é€😀\u{2028}", ""]
        let spans = names.map { name in
            var span = Self.span()
            span.name = name
            return span
        }
        let body = try JSONDecoder().decode(Body.self, from: Data(encoder.encode(spans)))
        #expect(body.resourceSpans[0].scopeSpans[0].spans.map(\.name) == names)
    }

    @Test func numbersThatJSONLacksAreWrittenAsProtobufDoes() {
        var span = Self.span()
        span.attributes = ["n": .double(.nan), "p": .double(.infinity), "m": .double(-.infinity), "e": 1e300]
        let text = text([span])
        for value in [#""NaN""#, #""Infinity""#, #""-Infinity""#, "1e+300"] {
            #expect(text.contains("{\"doubleValue\":\(value)}"))
        }
    }

    @Test func theSizeThatCountsIsAboutTheSizeThatIsSent() {
        var span = Self.span()
        for number in 0..<20 { span.attributes["key.\(number)"] = .string(String(repeating: "x", count: number * 10)) }
        for _ in 0..<10 { span.links.append(SpanLink(context: .random())) }
        span.events = [SpanEvent(name: "exception", attributes: ["m": "yyyyy"], timeNanoseconds: 1)]
        let sent = encoder.encode([span]).count - encoder.encode([]).count
        let counted = OTLPSpanEncoder.byteCount(span)
        #expect(counted >= sent && counted < sent * 2)
        #expect(
            OTLPSpanEncoder.byteCount(Self.span()) >= encoder.encode([Self.span()]).count - encoder.encode([]).count)
    }
}
