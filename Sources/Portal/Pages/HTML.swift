/// A piece of a page. Text and attribute values are escaped when it is written, names are literals of this program, and there is no way to
/// put ready-made markup in: what a peer sends can only ever become text.
indirect enum HTML: Sendable {
    case text(String)
    case element(StaticString, [Attribute], [HTML])
    /// An element without content or end tag (`meta`, `img`, `input`).
    case void(StaticString, [Attribute])
    case group([HTML])
    /// The gateway's own style sheet, in the page itself.
    case style

    struct Attribute: Sendable {
        var name: StaticString
        /// Nil: an attribute without a value (`defer`, `hidden`).
        var value: String?

        init(_ name: StaticString, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    static let nothing = HTML.group([])

    /// The markup.
    var rendered: String {
        var out = ""
        write(into: &out)
        return out
    }

    func write(into out: inout String) {
        switch self {
        case .text(let text):
            HTML.escape(text, into: &out)
        case .group(let parts):
            for part in parts { part.write(into: &out) }
        case .style:
            out += "<style>" + Assets.style + "</style>"
        case .void(let name, let attributes):
            HTML.open(name, attributes, into: &out)
        case .element(let name, let attributes, let children):
            HTML.open(name, attributes, into: &out)
            for child in children { child.write(into: &out) }
            out += "</"
            out += name.description
            out += ">"
        }
    }

    private static func open(_ name: StaticString, _ attributes: [Attribute], into out: inout String) {
        out += "<"
        out += name.description
        for attribute in attributes {
            out += " "
            out += attribute.name.description
            guard let value = attribute.value else { continue }
            out += "=\""
            escape(value, into: &out)
            out += "\""
        }
        out += ">"
    }

    /// Everything that could end a text or an attribute; controls (but for tab and line feed) become U+FFFD, as no page needs them.
    static func escape(_ text: String, into out: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\t", "\n": out.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": out += "\u{FFFD}"
            // Marks that turn the direction of what follows could make an address look like another.
            case "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": out += "\u{FFFD}"
            default: out.unicodeScalars.append(scalar)
            }
        }
    }
}

extension HTML: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .text(value) }
}

/// An element: `h("p", [.class("lead")], .text(text))`.
func h(_ name: StaticString, _ attributes: [HTML.Attribute] = [], _ children: HTML...) -> HTML {
    .element(name, attributes, children)
}

extension HTML.Attribute {
    static func `class`(_ value: String) -> Self { .init("class", value) }
    static func href(_ value: String) -> Self { .init("href", value) }
    static func id(_ value: String) -> Self { .init("id", value) }
}
