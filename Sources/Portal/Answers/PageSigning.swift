internal import Access
internal import Bytes
internal import Crypto
internal import HTTP
internal import Proxy
internal import WeCom

/// `/.menwei/jssdk?url=URL`: what a page of a site passes to WeCom's JS-SDK, signed for the app that the person logged in with.
extension Portal {
    func jssdk(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        guard let session = asked.request.session else { return noSession(asked) }
        guard let url = pageOfSite(asked) else {
            return Problem(
                kind: .malformed, status: 400, title: "Not a page of this site", detail: "\"url\" must be the whole address of a page of this site.",
                requestID: asked.requestID
            ).response
        }
        guard let connection = options.connection(session.member.connection[...]), let app = connection.wecom, let provider = providers[connection.id] else {
            return Problem(
                kind: .denied, status: 403, title: "No JS-SDK", detail: "The person did not log in with an app of WeCom, and there is nothing to sign with.",
                requestID: asked.requestID
            ).response
        }
        let tickets: PageTickets?
        do { tickets = try await provider.pageTickets() } catch { return unsigned(error, asked, connection) }
        guard let tickets else { return refuse(.noSuchOwnPath, asked) }
        let nonce: String
        do { nonce = Hex.encode(try options.random(8)) } catch { throw .random }
        let timestamp = asked.now.seconds
        func signature(_ ticket: Hidden) -> JSONText {
            .text(Hex.encode(Digest.sha1(Array(PageSignature.text(ticket: ticket, nonce: nonce, timestamp: timestamp, url: url).utf8))))
        }
        let members: [(String, JSONText)] = [
            ("corpid", .text(app.corpID)), ("agentid", .number(app.agentID)), ("timestamp", .number(Int(timestamp))), ("nonceStr", .text(nonce)),
            ("signature", signature(tickets.corp)), ("agentSignature", signature(tickets.app)),
        ]
        return data("application/json", JSONText.object(members).bytes, cache: "no-store")
    }

    /// The address that was asked for, without what stands after `#`; nil where it is no page of a site at the origin that was asked. Sites that share an
    /// origin share its scripts: to them it is one.
    private func pageOfSite(_ asked: Asked) -> String? {
        guard let text = asked.query.one("url") else { return nil }
        let address = returnAddress(text, on: asked.origin, allowPath: false)
        guard !address.isFallback, address.origin == asked.origin else { return nil }
        let url = text.prefix { $0 != "#" }
        let target = url.dropFirst("https://".count).drop { $0 != "/" && $0 != "?" }
        let isPath = target.hasPrefix("/")
        // `..` in any spelling would make another path of it than the one that is compared.
        guard (try? CanonicalTarget(Array((isPath ? target : "/" + target).utf8).span)) != nil, siteID(address) != nil else { return nil }
        return String(url)
    }

    private func unsigned(_ error: WeComError, _ asked: Asked, _ connection: ConnectionOptions) -> OwnResponse {
        if let address = error.callerAddress { records.notTrusted(address, connection.id) }
        let isBusy = error.kind == .transient || error.kind == .token
        var response = Problem(
            kind: .upstream, status: isBusy ? 503 : 502, title: "No ticket", detail: "WeCom gave nothing to sign with. `menwei doctor` may tell why.",
            requestID: asked.requestID
        ).response
        if isBusy { response.fields.append(("Retry-After", "60")) }
        return response
    }
}
