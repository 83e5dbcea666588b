/// The routes by the segments of their paths. A literal segment goes before a parameter.
struct RouteTree: Sendable {
    private struct Node: Sendable {
        var literals: [(segment: [UInt8], node: Int)] = []
        var parameter: Int?
        var routes: [HTTPRoute] = []
    }

    private var nodes = [Node()]
    /// The nodes of paths without parameters, found by their bytes.
    private var fixed: [(pattern: RoutePattern, node: Int)] = []
    private(set) var patternCount = 0

    /// Finds or makes the place of a pattern.
    mutating func node(for pattern: RoutePattern) -> Int {
        var index = 0
        for segment in pattern.segments {
            if let next = child(of: index, segment) {
                index = next
                continue
            }
            nodes.append(Node())
            let new = nodes.count - 1
            switch segment {
            case .literal(let bytes): nodes[index].literals.append((bytes, new))
            case .parameter: nodes[index].parameter = new
            }
            index = new
        }
        return index
    }

    private func child(of index: Int, _ segment: RoutePattern.Segment) -> Int? {
        switch segment {
        case .literal(let bytes): nodes[index].literals.first { $0.segment == bytes }?.node
        case .parameter: nodes[index].parameter
        }
    }

    mutating func insert(
        _ method: HTTPMethod, _ text: String, maximumBodyBytes: Int?, isUntimed: Bool, handler: @escaping HTTPHandler
    ) {
        let pattern = RoutePattern(text)
        let index = node(for: pattern)
        let known = nodes[index].routes
        precondition(!known.contains { $0.method == method }, "\(method) \(text) has a handler already")
        if known.isEmpty {
            patternCount += 1
            if pattern.parameterNames.isEmpty { fixed.append((pattern, index)) }
        }
        precondition(
            known.allSatisfy { $0.pattern.description == text },
            "\(text) and \(known.first?.pattern.description ?? "") are the same path")
        nodes[index].routes.append(
            HTTPRoute(
                method: method, pattern: pattern, patternIndex: known.first?.patternIndex ?? patternCount - 1,
                maximumBodyBytes: maximumBodyBytes, isUntimed: isUntimed, handler: handler))
    }

    /// The patterns, at the places that their routes' `patternIndex` says.
    var patterns: [String] {
        var patterns = Array(repeating: "", count: patternCount)
        for node in nodes {
            if let route = node.routes.first { patterns[route.patternIndex] = route.pattern.description }
        }
        return patterns
    }

    func match(_ method: HTTPMethod, path: Span<UInt8>) -> HTTPRouteMatch {
        for entry in fixed where entry.pattern.equals(path) { return choose(entry.node, method, []) }
        guard path.count > 0, path[0] == UInt8(ascii: "/") else { return asterisk(method, path) }
        var parameters: [String] = []
        do {
            guard let node = try find(0, path, from: 1, &parameters) else { return .notFound }
            return choose(node, method, parameters)
        } catch {
            return .malformedPath
        }
    }

    private struct MalformedSegment: Error {}

    /// Walks down; the segment that begins at `start` is next. The path is split before anything is decoded, so that an
    /// encoded slash stays inside its segment.
    private func find(
        _ index: Int, _ path: Span<UInt8>, from start: Int, _ parameters: inout [String]
    ) throws(MalformedSegment) -> Int? {
        if start > path.count { return nodes[index].routes.isEmpty ? nil : index }
        var end = start
        var isEncoded = false
        while end < path.count && path[end] != UInt8(ascii: "/") {
            if path[end] == UInt8(ascii: "%") { isEncoded = true }
            end += 1
        }
        let raw = path.extracting(start..<end)
        var segment: [UInt8] = []
        if isEncoded {
            guard PercentEncoding.decode(raw, plusIsSpace: false, into: &segment) else { throw MalformedSegment() }
        } else {
            segment.reserveCapacity(raw.count)
            for position in raw.indices { segment.append(raw[position]) }
        }
        for child in nodes[index].literals where child.segment == segment {
            if let found = try find(child.node, path, from: end + 1, &parameters) { return found }
        }
        guard let child = nodes[index].parameter, !segment.isEmpty else { return nil }
        guard let text = String(validating: segment, as: UTF8.self) else { throw MalformedSegment() }
        parameters.append(text)
        if let found = try find(child, path, from: end + 1, &parameters) { return found }
        parameters.removeLast()
        return nil
    }

    private func choose(_ node: Int, _ method: HTTPMethod, _ parameters: [String]) -> HTTPRouteMatch {
        let routes = nodes[node].routes
        for route in routes where route.method == method { return .route(route, parameters: parameters) }
        if method == .head, let route = routes.first(where: { $0.method == .get }) {
            return .route(route, parameters: parameters)
        }
        let allow = Self.allow(routes.map(\.method))
        return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    /// `OPTIONS *` asks for the whole server.
    private func asterisk(_ method: HTTPMethod, _ path: Span<UInt8>) -> HTTPRouteMatch {
        guard method == .options, path.count == 1, path[0] == UInt8(ascii: "*") else { return .notFound }
        return .options(allow: Self.allow(nodes.flatMap { $0.routes.map(\.method) }))
    }

    private static func allow(_ methods: [HTTPMethod]) -> String {
        var all = Set(methods)
        all.insert(.options)
        if all.contains(.get) { all.insert(.head) }
        return all.sorted { $0.index < $1.index }.map(\.description).joined(separator: ", ")
    }
}
