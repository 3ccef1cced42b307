internal import Bytes

/// The few parts that pages are made of. All text goes through `HTML`, which escapes it.
struct Parts {
    var language: Language

    enum Tone { case calm, warning, stop }

    /// The small word above a title that says what kind of page this is.
    func kind(_ phrase: Phrase, _ tone: Tone) -> HTML {
        let style = switch tone {
        case .calm: "kind"
        case .warning: "kind warn"
        case .stop: "kind stop"
        }
        return h("p", [.class(style)], .text(phrase(language)))
    }

    func title(_ phrase: Phrase) -> HTML { h("h1", [], .text(phrase(language))) }
    func heading(_ phrase: Phrase) -> HTML { h("h2", [], .text(phrase(language))) }
    func paragraph(_ phrase: Phrase) -> HTML { h("p", [], .text(phrase(language))) }
    func lead(_ phrase: Phrase) -> HTML { h("p", [.class("lead")], .text(phrase(language))) }

    /// Names and values. Rows without a value are left out.
    func facts(_ rows: [(Phrase, HTML)]) -> HTML {
        let shown = rows.filter { if case .text(let value) = $0.1 { !value.isEmpty } else { true } }
        if shown.isEmpty { return .nothing }
        return .element("dl", [.class("facts")], shown.map { name, value in
            h("div", [], h("dt", [], .text(name(language))), h("dd", [], value))
        })
    }

    /// `2026-01-02 03:04 UTC`; the script makes it the reader's own time.
    func time(_ time: WallTime) -> HTML {
        let text = RFC3339.format(time)
        return h("time", [.init("datetime", text)], .text(text.prefix(10) + " " + text.dropFirst(11).prefix(5) + " UTC"))
    }

    func list(_ items: [Phrase]) -> HTML {
        .element("ul", [.class("steps")], items.map { h("li", [], .text($0(language))) })
    }

    /// A link that looks like a button.
    func button(_ text: Phrase, to address: String, main: Bool = false, _ more: [HTML.Attribute] = []) -> HTML {
        h("a", [.class(main ? "button main" : "button"), .href(address)] + more, .text(text(language)))
    }

    /// Shown by the script only: without it the browser's own reload has to do.
    func reload() -> HTML {
        h("button", [.class("button main"), .init("type", "button"), .init("data-reload"), .init("hidden")], .text(Catalogue.tryAgain(language)))
    }

    func actions(_ items: HTML...) -> HTML { .element("div", [.class("actions")], items) }
}
