public import HTTP

/// What a parser told of some bytes, in a form that does not depend on how they were cut: payloads joined, framing events left out.
public struct ParserTrace: Equatable, CustomStringConvertible {
    public enum Item: Equatable {
        case head(String)
        case body([UInt8])
        case end(trailers: String)
        case fault(String, UInt16)
        case broken(String)
    }

    public var items: [Item] = []

    public init() {}

    public mutating func body(_ bytes: ArraySlice<UInt8>) {
        if case .body(let before) = items.last {
            items[items.count - 1] = .body(before + bytes)
        } else {
            items.append(.body(Array(bytes)))
        }
    }

    public var description: String {
        items.map { item in
            switch item {
            case .head(let text): "head \(text)"
            case .body(let bytes): "body \(String(decoding: bytes, as: UTF8.self).debugDescription)"
            case .end(let trailers): "end \(trailers)"
            case .fault(let code, let status): "fault \(code) \(status)"
            case .broken(let why): "BROKEN \(why)"
            }
        }.joined(separator: "\n")
    }

    /// The parser broke a promise of its interface.
    public var isBroken: Bool {
        items.contains { if case .broken = $0 { true } else { false } }
    }
}

/// Shows `parser` the bytes as they would arrive cut at `cuts` (ascending), dropping what it consumes.
private func drive(_ bytes: [UInt8], cuts: [Int], trace: inout ParserTrace, _ next: (ArraySlice<UInt8>, inout ParserTrace) -> ParserEvent?) -> Bool {
    var start = 0
    for end in cuts + [bytes.count] {
        while true {
            guard let event = next(bytes[start..<end], &trace) else { return false }
            if event == .needMore { break }
            guard event.consumed >= 0, event.consumed <= end - start else {
                trace.items.append(.broken("consumed \(event.consumed) of \(end - start)"))
                return false
            }
            switch event {
            case .skip(0), .body(_, 0), .head(0):
                trace.items.append(.broken("no progress"))
                return false
            case .body(let skip, let count): trace.body(bytes[start + skip..<start + skip + count])
            default: break
            }
            start += event.consumed
        }
    }
    return true
}

public func requestTrace(_ bytes: [UInt8], cuts: [Int] = [], limits: HeadLimits = .request) -> ParserTrace {
    var parser = RequestParser(limits: limits)
    var trace = ParserTrace()
    _ = drive(bytes, cuts: cuts, trace: &trace) { input, trace in
        do throws(ProtocolFault) {
            let event = try parser.next(input.span)
            switch event {
            case .head: trace.items.append(.head(describe(parser.head)))
            case .end: trace.items.append(.end(trailers: describe(parser.trailers)))
            // Whenever somebody looks, what the head points to is there.
            default: _ = describe(parser.head)
            }
            return event
        } catch {
            _ = describe(parser.head)
            trace.items.append(.fault(error.code.rawValue, error.status))
            return nil
        }
    }
    return trace
}

/// Each of `methods` is asked in turn; after the last, and at the end of the bytes, the upstream closes.
public func responseTrace(
    _ bytes: [UInt8], to methods: [HTTP.Method] = [.get], upgrade: Bool = false, cuts: [Int] = [], limits: HeadLimits = .response
) -> ParserTrace {
    var parser = ResponseParser(limits: limits)
    var trace = ParserTrace()
    var waiting = methods[...]
    if let first = waiting.popFirst() { parser.begin(requestMethod: first, askedForUpgrade: upgrade) }
    let isWhole = drive(bytes, cuts: cuts, trace: &trace) { input, trace in
        do throws(ProtocolFault) {
            let event = try parser.next(input.span)
            switch event {
            case .head: trace.items.append(.head(describe(parser.head)))
            case .end:
                trace.items.append(.end(trailers: describe(parser.trailers)))
                if let next = waiting.popFirst() { parser.begin(requestMethod: next, askedForUpgrade: upgrade) }
            default: break
            }
            return event
        } catch {
            trace.items.append(.fault(error.code.rawValue, error.status))
            return nil
        }
    }
    guard isWhole else { return trace }
    do throws(ProtocolFault) {
        if try parser.connectionEnded() { trace.items.append(.end(trailers: "closed")) }
    } catch {
        trace.items.append(.fault(error.code.rawValue, error.status))
    }
    return trace
}

private func describe(_ fields: Fields) -> String {
    fields.entries.map { "\(text(fields.name($0)))=\(text(fields.value($0)))" }.joined(separator: "|")
}

private func describe(_ head: RequestHead) -> String {
    let arena = head.fields.arena
    var flags = ""
    if head.keepAlive { flags += " keep" }
    if head.expectsContinue { flags += " continue" }
    if head.isWebSocket { flags += " websocket" }
    if head.hasUpgrade { flags += " upgrade" }
    return "\(head.method) \(text(arena[head.methodBytes])) \(text(arena[head.target])) \(text(arena[head.authority])) \(head.version) \(head.body)"
        + "\(flags) [\(describe(head.fields))]"
}

private func describe(_ head: ResponseHead) -> String {
    "\(head.status) \(head.version) \(head.body)\(head.keepAlive ? " keep" : "") [\(describe(head.fields))]"
}

private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
