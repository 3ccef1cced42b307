/// A page of the gateway: what stands in its card, and what its policy has to allow.
struct Page {
    var language: Language
    var title: Phrase
    /// Shown at the foot, so that a person can quote it.
    var requestID: String
    /// The card's content.
    var content: HTML
    /// Origins that may be framed in it, beside our own.
    var frames: [String] = []
    /// Who may frame the page; nobody, where empty.
    var framableBy: [String] = []
    /// Where the page's forms may lead, redirects after them included (CSP `form-action`).
    var formsLead = "'self'"
    /// Its script asks the gateway for something.
    var connects = false
    /// More elements for the head.
    var head = HTML.nothing
    /// Without bar and card: a page that is seen for a moment, or in a small frame.
    var isBare = false
    /// At an address where nothing else of ours can be fetched: the style sheet stands in the page, and there is no script and no picture.
    var isAlone = false

    /// `frame-ancestors` and the rest. Nothing is loaded from anywhere else, nothing in the page itself runs.
    var contentSecurityPolicy: String {
        let frameSource = frames.isEmpty ? "'none'" : (["'self'"] + frames).joined(separator: " ")
        let ancestors = framableBy.isEmpty ? "'none'" : (["'self'"] + framableBy).joined(separator: " ")
        let style = isAlone ? "'sha256-\(Assets.shared.styleHash)'" : "'self'"
        return "default-src 'none'; style-src \(style); script-src 'self'; img-src 'self' data:; frame-src \(frameSource); form-action \(formsLead); "
            + (connects ? "connect-src 'self'; " : "") + "frame-ancestors \(ancestors); base-uri 'none'"
    }

    var document: [UInt8] {
        let assets = Assets.shared
        let page = h("html", [.init("lang", language.tag)],
            h("head", [],
                .void("meta", [.init("charset", "utf-8")]),
                .void("meta", [.init("name", "viewport"), .init("content", "width=device-width, initial-scale=1")]),
                .void("meta", [.init("name", "color-scheme"), .init("content", "light dark")]),
                .void("meta", [.init("name", "robots"), .init("content", "noindex")]),
                h("title", [], .text(title(language) + " · " + Catalogue.product(language))),
                isAlone
                    ? .style
                    : .group([
                        .void("link", [.init("rel", "icon"), .init("type", "image/svg+xml"), .href(assets.mark.path)]),
                        .void("link", [.init("rel", "stylesheet"), .href(assets.style.path)]),
                        h("script", [.init("src", assets.script.path), .init("defer")]),
                    ]),
                head),
            isBare
                ? h("body", [.class("bare")], h("main", [], content), foot)
                : h("body", [], bar, h("main", [], h("div", [.class("card")], content)), foot))
        return Array(("<!doctype html>\n" + page.rendered + "\n").utf8)
    }

    private var bar: HTML {
        h("header", [.class("bar")],
            isAlone ? .nothing : .void("img", [.init("src", Assets.shared.mark.path), .init("alt", ""), .init("width", "32"), .init("height", "32")]),
            h("div", [], .text(Catalogue.product(language)), " ", h("span", [], .text(Catalogue.productNote(language)))))
    }

    private var foot: HTML {
        h("footer", [.class("foot")],
            h("p", [], .text(Catalogue.requestID(language)), " ", h("code", [], .text(requestID))))
    }
}
