internal import Access
internal import Proxy

/// What a refusal is, told to both audiences: the problem's members, and the page's texts. One row per refusal.
struct RefusalSummary {
    var status: Int
    var kind: Problem.Kind
    /// English, fixed: titles of problems are for programmers.
    var title: String
    var detail: String
    var word: Phrase
    var tone = Parts.Tone.warning
    var headline: Phrase
    var text: Phrase
    var advice: Phrase?
    /// The same request may work later.
    var mayRetry = false
    /// Seconds, for `Retry-After`.
    var retryAfter: Int?

    init(_ refusal: Refusal) {
        switch refusal {
        case .loginRequired:
            self.init(401, .loginRequired, "Login required", "There is no live session with this request.",
                      Catalogue.kindNotSent, Catalogue.notSentTitle, Catalogue.notSentText, Catalogue.notSentDo)
        case .denied(let pattern, _, let reason):
            self.init(403, .denied, "Denied", "The rule \(pattern) does not let this account in (\(reason)).",
                      Catalogue.kindDenied, Catalogue.deniedTitle, Catalogue.deniedText, Catalogue.deniedDo)
            tone = .stop
            // Not who they are keeps them out, but when or whence they come.
            switch DenyReason(rawValue: reason) {
            case .hours: (headline, text, advice) = (Catalogue.why(.hours), Catalogue.hoursText, Catalogue.hoursDo)
            case .network: (headline, text, advice) = (Catalogue.why(.network), Catalogue.networkText, Catalogue.networkDo)
            default: break
            }
        case .foreignOrigin:
            self.init(403, .denied, "Foreign origin", "The Origin of this request is neither the site's own nor trusted.",
                      Catalogue.kindDenied, Catalogue.foreignTitle, Catalogue.foreignText, nil)
            tone = .stop
        case .noSuchSite:
            self.init(404, .noSuchSite, "No such site", "No site has this path.",
                      Catalogue.kindNotFound, Catalogue.notFoundTitle, Catalogue.notFoundText, nil)
        case .noSuchOwnPath:
            self.init(404, .noSuchSite, "Not found", "The gateway has no such path here.",
                      Catalogue.kindNotFound, Catalogue.notFoundTitle, Catalogue.notFoundText, nil)
        case .methodNotAllowed:
            self.init(405, .malformed, "Method not allowed", "This path does not have that method.",
                      Catalogue.kindBadRequest, Catalogue.methodTitle, Catalogue.methodText, nil)
        case .unknownHost:
            self.init(421, .noSuchSite, "Misdirected request", "This gateway serves no such host.",
                      Catalogue.kindNotFound, Catalogue.unknownHostTitle, Catalogue.unknownHostText, nil)
        case .malformed(let status, let code):
            self.init(status, .malformed, "Malformed request", "The request is at fault: \(code).",
                      Catalogue.kindBadRequest, Catalogue.malformedTitle, Catalogue.malformedText, Catalogue.malformedDo)
        case .tooLarge(let limit):
            self.init(413, .tooLarge, "Too large", "The body is larger than \(limit) bytes.",
                      Catalogue.kindBadRequest, Catalogue.tooLargeTitle, Catalogue.tooLargeText(Self.size(limit)), Catalogue.tooLargeDo)
        case .formTooLarge(let limit):
            self.init(413, .tooLarge, "Too large to keep", "There is no live session, and the form is larger than the \(limit) bytes that are kept until after the login.",
                      Catalogue.kindNotSent, Catalogue.notSentTitle, Catalogue.formTooLargeText(Self.size(limit)), Catalogue.notSentDo)
        case .formGone:
            self.init(410, .malformed, "Gone", "The form that was kept was sent already, or is not kept any longer.",
                      Catalogue.kindNotSent, Catalogue.formGoneTitle, Catalogue.formGoneText, Catalogue.formGoneDo)
        case .upstreamUnreachable:
            self.init(502, .upstream, "Upstream unreachable", "The application cannot be reached.",
                      Catalogue.kindTrouble, Catalogue.downTitle, Catalogue.downText, Catalogue.waitDo)
            mayRetry = true
        case .upstreamTimedOut:
            self.init(504, .upstream, "Upstream timed out", "The application did not answer in time.",
                      Catalogue.kindTrouble, Catalogue.timeoutTitle, Catalogue.timeoutText, Catalogue.waitDo)
            mayRetry = true
        case .upstreamBroken:
            self.init(502, .upstream, "Upstream answer broken", "The application's answer is not HTTP.",
                      Catalogue.kindTrouble, Catalogue.brokenTitle, Catalogue.brokenText, Catalogue.waitDo)
            mayRetry = true
        case .storeDown:
            self.init(503, .storeDown, "Session store unreachable", "Sessions cannot be checked, so nothing is let through.",
                      Catalogue.kindTrouble, Catalogue.storeTitle, Catalogue.storeText, Catalogue.waitDo)
            (mayRetry, retryAfter) = (true, 5)
        case .loop:
            self.init(508, .upstream, "Loop detected", "An upstream leads back to this gateway.",
                      Catalogue.kindTrouble, Catalogue.loopTitle, Catalogue.loopText, Catalogue.loopDo)
        }
    }

    private init(_ status: Int, _ kind: Problem.Kind, _ title: String, _ detail: String, _ word: Phrase, _ headline: Phrase, _ text: Phrase,
                 _ advice: Phrase?) {
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.word = word
        self.headline = headline
        self.text = text
        self.advice = advice
    }

    /// `100 MiB`, `64 KiB`, `500 B`: the largest unit that divides it, else the one that leaves at least 1, rounded down.
    static func size(_ bytes: UInt64) -> String {
        for (unit, name) in [(UInt64(1) << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] where bytes >= unit && bytes % unit == 0 {
            return "\(bytes / unit) \(name)"
        }
        return bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : bytes >= 1 << 10 ? "\(bytes >> 10) KiB" : "\(bytes) B"
    }
}
