import Access
import Bytes
import EventLoop
import HTTP

/// What the upstream receives (README, *What the upstream receives*): first everything is removed that a client must not say, then ours is added, so that
/// nothing the client names can take ours away.
extension Gateway {
    /// Writes the head of `exchange`'s request. Nil where the request must not go on; else whether its body goes chunked.
    /// - Parameter overHTTP2: the upstream will see it as HTTP/2 (`HTTP1RequestLines`).
    func writeRequestHead(of exchange: Exchange, to site: Site, overHTTP2: Bool = false, into out: inout ByteQueue) -> Bool? {
        // Moved out for the while: a copy would count references to every array of it.
        var head = RequestHead()
        swap(&head, &exchange.head)
        defer { swap(&head, &exchange.head) }
        let arena = head.fields.arena.span
        guard beginHygiene(head.fields) else { return nil }
        RequestWriter.requestLine(method: arena.extracting(head.methodBytes), target: exchange.target.forwarded.span, into: &out)
        out.append("Host: ")
        if let host = exchange.relay?.member?.hostHeader { out.append(host) } else { out.append(arena.extracting(head.authority)) }
        out.append("\r\n")
        var hasCookies = false
        hygiene.stripsAuthorization = site.options.basic != nil
        for entry in head.fields.entries {
            switch hygiene.verdict(entry, in: head.fields) {
            case .keep: FieldWriter.field(entry, of: head.fields, into: &out)
            case .drop: break
            case .rewrite:
                if entry.known == .cookie { hasCookies = true }
                if entry.known == .maxForwards { writeMaxForwards(entry, of: head, into: &out) }
            }
        }
        if hasCookies { writeCookies(head.fields, into: &out) }
        writeForwarded(exchange, of: head, to: site, into: &out)
        var block: IdentityBlock?
        if exchange.trace.identifies, let session = exchange.session {
            block = identityBlock(for: session, at: site)
            guard let block else { return nil }
            out.append(block.bytes)
        }
        if site.options.signsRequests, !writeSignature(of: exchange, head, block, overHTTP2: overHTTP2, into: &out) { return nil }
        if head.isWebSocket {
            out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n")
            if head.version == .http2 { guard writeWebSocketKey(of: exchange, into: &out) else { return nil } }
        } else if hygiene.acceptsTrailers {
            out.append("Connection: TE\r\nTE: trailers\r\n")
        }
        let isChunked = writeFraming(head, into: &out)
        out.append("\r\n")
        return isChunked
    }

    /// All cookies but ours, in one field (RFC 9113 section 8.2.3 lets HTTP/2 spread them over several).
    private func writeCookies(_ fields: Fields, into out: inout ByteQueue) {
        cookieScratch.removeAll(keepingCapacity: true)
        for entry in fields.entries where entry.known == .cookie {
            if case .rewrite = hygiene.verdict(entry, in: fields) {
                let before = cookieScratch.count
                if before > 0 { cookieScratch.append(contentsOf: [0x3B, 0x20]) }
                if !Cookies.strip(fields.arena.span.extracting(entry.value), names: CookieNames.all, into: &cookieScratch) {
                    cookieScratch.removeLast(cookieScratch.count - before)
                }
            }
        }
        if cookieScratch.isEmpty { return }
        out.append("Cookie: ")
        out.append(cookieScratch)
        out.append("\r\n")
    }

    private func writeForwarded(_ exchange: Exchange, of head: borrowing RequestHead, to site: Site, into out: inout ByteQueue) {
        out.append("X-Forwarded-For: ")
        out.append(exchange.clientText)
        out.append("\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: ")
        out.append(head.fields.arena.span.extracting(head.authority))
        out.append("\r\nX-Request-Id: ")
        out.append(exchange.requestID.digits.span)
        out.append("\r\n")
        out.append(site.prefixLine)
        out.append(via.line(received: head.version))
        if hygiene.traceID == nil { writeTrace(exchange.requestID, into: &out) }
    }

    /// Begins a trace (W3C Trace Context section 3.2). Its id is the request's, so that records, answers and traces name the same. It says that it
    /// is sampled: an access record is kept, and applications that follow their caller would otherwise all stop recording.
    private func writeTrace(_ id: RequestID, into out: inout ByteQueue) {
        out.append("traceparent: 00-")
        out.append(id.digits.span)
        out.append(0x2D)
        out.append(id.spanDigits.span)
        out.append("-01\r\n")
    }

    /// Counted down for OPTIONS (RFC 9110 section 7.6.2), and passed on for all else, which does not know it.
    private func writeMaxForwards(_ entry: Fields.Entry, of head: RequestHead, into out: inout ByteQueue) {
        guard head.method == .options, let hops = Self.hops(head.fields.arena.span.extracting(entry.value)), hops > 0 else {
            return FieldWriter.field(entry, of: head.fields, into: &out)
        }
        FieldWriter.field("Max-Forwards", decimal: hops - 1, into: &out)
    }

    /// Whether an OPTIONS request may go no further than here.
    static func isLastHop(_ head: RequestHead) -> Bool {
        guard head.method == .options, let entry = head.fields.first(.maxForwards) else { return false }
        return hops(head.fields.arena.span.extracting(entry.value)) == 0
    }

    /// A value of `Max-Forwards`; nil where it is no number, or one that no chain of gateways can be meant by.
    private static func hops(_ value: Span<UInt8>) -> UInt64? {
        guard 1...9 ~= value.count else { return nil }
        var hops: UInt64 = 0
        for at in value.indices {
            guard value[at] &- 0x30 < 10 else { return nil }
            hops = hops * 10 + UInt64(value[at] & 15)
        }
        return hops
    }

    /// Over HTTP/2 the client sent none. False without entropy.
    private func writeWebSocketKey(of exchange: Exchange, into out: inout ByteQueue) -> Bool {
        guard let key = WebSocketKey.random() else { return false }
        exchange.webSocketKey = key
        out.append("Sec-WebSocket-Key: ")
        out.append(key.text)
        out.append("\r\n")
        return true
    }

    private func writeFraming(_ head: RequestHead, into out: inout ByteQueue) -> Bool {
        switch head.body {
        case .none:
            // A POST without a body says so (RFC 9110 section 8.6).
            switch head.method {
            case .post, .put, .patch: out.append("Content-Length: 0\r\n")
            default: break
            }
            return false
        case .exactly(let count):
            FieldWriter.field("Content-Length", decimal: count, into: &out)
            return false
        case .chunked, .untilEnd:
            out.append("Transfer-Encoding: chunked\r\n")
            return true
        }
    }

    /// What a request's trailers may say to the upstream; nil: nothing.
    func requestTrailers(of exchange: Exchange) -> Fields? {
        if exchange.trailers.entries.isEmpty || !beginHygiene(exchange.head.fields) { return nil }
        var kept = exchange.trailers
        let all = kept.arena
        kept.entries.removeAll { entry in !hygiene.keepsTrailer(all.span.extracting(entry.name), head: exchange.head.fields) }
        return kept.entries.isEmpty ? nil : kept
    }

    /// The end of a chunked body, with those of the client's trailers that may go on (RFC 9110 section 6.5.1).
    func writeChunkedEnd(of exchange: Exchange, into out: inout ByteQueue) {
        guard let trailers = requestTrailers(of: exchange) else { return ChunkedWriter.end(into: &out) }
        out.append("0\r\n")
        for entry in trailers.entries { FieldWriter.field(entry, of: trailers, into: &out) }
        out.append("\r\n")
    }

    // MARK: answers

    /// Takes out of an upstream's answer what is not for the client and adds what is ours. False where the answer contradicts itself.
    func filterAnswer(_ head: inout ResponseHead, for exchange: Exchange) -> Bool {
        guard filter(&head.fields, keepsLength: head.body == .none && head.status != 204) else { return false }
        if let mapping = exchange.relay?.member?.addressMapping { Self.map(&head.fields, mapping) }
        if head.fields.first(.date) == nil { head.fields.append("Date", exchange.server.dateCache.value(at: exchange.server.loop.wall).span, known: .date) }
        head.fields.append("X-Request-Id", exchange.requestID.digits.span, known: .requestID)
        return true
    }

    /// The upstream's own address becomes the site's.
    private static func map(_ fields: inout Fields, _ mapping: AddressMapping) {
        for index in fields.entries.indices {
            let entry = fields.entries[index]
            let mapped: [UInt8]?
            switch entry.known {
            case .location, .contentLocation: mapped = mapping.location(fields.value(entry))
            case .refresh: mapped = mapping.refresh(fields.value(entry))
            case .setCookie: mapped = mapping.cookie(fields.value(entry))
            default: mapped = nil
            }
            guard let mapped else { continue }
            fields.entries[index].valueStart = UInt32(truncatingIfNeeded: fields.arena.count)
            fields.entries[index].valueLength = UInt32(truncatingIfNeeded: mapped.count)
            fields.arena += mapped
        }
    }

    /// The 101 of a WebSocket: hop-by-hop fields are ours.
    func filterSwitch(_ head: inout ResponseHead, for exchange: Exchange) -> Bool {
        guard filter(&head.fields, keepsLength: false) else { return false }
        head.fields.append("Connection", "Upgrade")
        head.fields.append("Upgrade", "websocket")
        head.fields.append("X-Request-Id", exchange.requestID.digits.span, known: .requestID)
        return true
    }

    func filterInterim(_ fields: inout Fields) -> Bool { filter(&fields, keepsLength: false) }

    /// What an answer's trailers may say to the client; nil: nothing.
    func filterTrailers(_ fields: Fields) -> Fields? {
        if fields.entries.isEmpty { return nil }
        var kept = fields
        kept.entries.removeAll { entry in !answerHygiene.keepsTrailer(fields.arena.span.extracting(entry.name)) }
        return kept.entries.isEmpty ? nil : kept
    }

    /// - Parameter keepsLength: the length that a HEAD or a 304 tells of stays, once.
    private func filter(_ head: inout Fields, keepsLength: Bool) -> Bool {
        // Moved out for the while, as in `writeRequestHead`.
        var fields = Fields()
        swap(&fields, &head)
        defer { swap(&fields, &head) }
        do throws(ProtocolFault) { try answerHygiene.begin(fields) } catch { return false }
        var kept = 0
        var hasLength = false
        var clearSiteData: [UInt8]?
        for index in fields.entries.indices {
            let entry = fields.entries[index]
            switch answerHygiene.verdict(entry, in: fields) {
            case .keep: break
            case .drop: continue
            case .rewrite:
                if entry.known == .clearSiteData {
                    let rest = ResponseHygiene.withoutCookies(fields.value(entry)) ?? []
                    if !rest.isEmpty { clearSiteData = clearSiteData.map { $0 + Array(", ".utf8) + rest } ?? rest }
                    continue
                }
                if entry.known != .contentLength || !keepsLength || hasLength { continue }
                hasLength = true
            }
            if kept != index { fields.entries[kept] = entry }
            kept += 1
        }
        fields.entries.removeLast(fields.entries.count - kept)
        if let clearSiteData { fields.append("Clear-Site-Data", String(decoding: clearSiteData, as: UTF8.self)) }
        return true
    }

    /// Whether a 101 agrees to the WebSocket that was asked for (RFC 6455 section 4.1). Where the key is the client's own, the client compares.
    static func acceptsWebSocket(_ head: ResponseHead, _ key: WebSocketKey?) -> Bool {
        guard head.fields.count(.upgrade) == 1, let upgrade = head.fields.text(.upgrade) else { return false }
        return upgrade.lowercased() == "websocket" && head.fields.count(.secWebSocketAccept) == 1 && key?.isAnswered(by: head.fields) != false
    }
}
