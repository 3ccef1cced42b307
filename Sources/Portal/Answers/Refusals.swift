public import Proxy
public import Access
internal import Bytes
internal import HTTP

/// The one place where a refusal becomes an answer: the login for whom it helps, a page for people, a problem for programs.
extension Portal {
    public func answer(_ refusal: Refusal, to request: OwnRequest, audience: Audience) -> OwnResponse {
        let wantsPage = audience == .navigation || Audience.isFormPost(request.head)
        var response: OwnResponse
        if refusal == .loginRequired {
            response = loginRequired(request, audience: audience, wantsPage: wantsPage)
        } else {
            let summary = RefusalSummary(refusal)
            response = wantsPage ? page(refusal, summary, request) : problem(summary, request).response
            if let seconds = summary.retryAfter { response.fields.append(("Retry-After", String(seconds))) }
            if case .methodNotAllowed(let allow) = refusal { response.fields.append(("Allow", allow)) }
            if case .malformed(let status, _) = refusal {
                response.close = true
                // What sites take, whatever one of them answers (RFC 9110 section 15.5.6).
                if status == 405 { response.fields.append(("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH")) }
            }
        }
        makeReadable(&response, to: request)
        return response
    }

    private func problem(_ summary: RefusalSummary, _ request: OwnRequest) -> Problem {
        Problem(kind: summary.kind, status: summary.status, title: summary.title, detail: summary.detail, requestID: request.requestID)
    }

    private func loginRequired(_ request: OwnRequest, audience: Audience, wantsPage: Bool) -> OwnResponse {
        guard let origin = request.origin else { return answer(.unknownHost, to: request, audience: audience) }
        let asked = Asked(request, origin: origin, options: options)
        // A form is never sent on to the login: what was typed would be lost without a word.
        if audience == .navigation, request.method == "GET" || request.method == "HEAD" {
            // As an address of its own: a path that begins with `//` alone would name another host.
            let here = returnAddress(origin.text + request.target, on: origin, allowPath: true)
            do { return try siteLogin(asked, Journey(returnTo: short(here, request)), maxAge: request.maxAge.map { Int($0.components.seconds) }) } catch { return answer(.storeDown, to: request, audience: audience) }
        }
        let summary = RefusalSummary(.loginRequired)
        let address = loginURL(request, origin)
        if wantsPage { return notSent(asked) }
        var problem = problem(summary, request)
        problem.loginURL = address
        return problem.response
    }

    /// The address itself, unless it is so long that the login's own addresses, in which it stands encoded, would be refused.
    private func short(_ address: ReturnAddress, _ request: OwnRequest) -> ReturnAddress {
        guard address.isFallback || Percent.encodeQueryValue(address.url).utf8.count > 10 << 10 else { return address }
        return returnAddress(sitePath(request), on: address.origin, allowPath: true)
    }

    /// The site's login, coming back to the page that asked where that is of the same site, else to the site's start.
    func loginURL(_ request: OwnRequest, _ origin: Origin) -> String {
        let age = request.maxAge.map { "&max_age=\($0.components.seconds)" } ?? ""
        return ownAddress(origin, "login?return=" + Percent.encodeQueryValue(comingBack(request, origin).url) + age)
    }

    /// The page that asked where that is of the same site, else the site's start.
    func comingBack(_ request: OwnRequest, _ origin: Origin) -> ReturnAddress {
        let path = sitePath(request)
        var target = returnAddress(path, on: origin, allowPath: true)
        if let referer = request.fields.text(.referer), referer.utf8.count <= 4096 {
            let page = returnAddress(referer, on: options.authOrigin, allowPath: false)
            let isUnder = page.url.hasPrefix(origin.text + (path == "/" ? "/" : path + "/")) || page.url == origin.text + path
                || page.url.hasPrefix(origin.text + path + "?")
            if page.origin == origin, isUnder, siteID(page) == request.site || request.site == nil { target = page }
        }
        return target
    }

    /// The site that would serve the request, else the origin's first.
    func site(of request: OwnRequest) -> PortalOptions.Site? {
        options.sites.first { $0.id == request.site } ?? options.sites.first { $0.origin == request.origin }
    }

    /// The path of that site; `/` where there is none.
    func sitePath(_ request: OwnRequest) -> String {
        guard let path = site(of: request)?.path else { return "/" }
        return Percent.encode(path.utf8) { Percent.isUnreserved($0) || $0 == UInt8(ascii: "/") }
    }

    /// The site with the longest path that has an address, at segment borders.
    func siteID(_ address: ReturnAddress) -> String? {
        let rest = address.url.dropFirst(address.origin.text.count).prefix { $0 != "?" && $0 != "#" }
        let path = Percent.decode(Array(rest.utf8)[...]).map { String(decoding: $0, as: UTF8.self) } ?? "/"
        return options.sites
            .filter { $0.origin == address.origin && ($0.path == "/" || path == $0.path || path.hasPrefix($0.path + "/")) }
            .max { $0.path.utf8.count < $1.path.utf8.count }?.id
    }

    /// Scripts of the site's trusted origins may read our 401 and 403.
    private func makeReadable(_ response: inout OwnResponse, to request: OwnRequest) {
        guard response.status == 401 || response.status == 403, let from = request.fields.text(.origin),
              let site = options.sites.first(where: { $0.id == request.site }), site.trustedOrigins.contains(from)
        else { return }
        response.fields += [("Access-Control-Allow-Origin", from), ("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")]
    }
}
