/// HTML that is safe to send: text put into it is escaped, only other markup and literals are not.
struct Markup: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, Sendable {
    var text: String

    init(stringLiteral value: String) { text = value }
    init(stringInterpolation: Interpolation) { text = stringInterpolation.text }
    private init(joining parts: [Markup]) { text = parts.map(\.text).joined() }

    struct Interpolation: StringInterpolationProtocol {
        var text = ""
        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }
        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ value: String) { text += Markup.escape(value) }
        mutating func appendInterpolation(_ value: Int) { text += String(value) }
        mutating func appendInterpolation(_ value: Markup) { text += value.text }
        mutating func appendInterpolation(_ values: [Markup]) { text += Markup(joining: values).text }
    }

    /// For element content and for attribute values in double quotes. Control characters, which HTML forbids, become U+FFFD.
    private static func escape(_ value: String) -> String {
        var out = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\n", "\t": out.unicodeScalars.append(scalar)
            case "\0"..<" ", "\u{7F}": out.unicodeScalars.append("\u{FFFD}")
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

/// The two languages of the pages.
enum Language: String {
    case zh
    case en

    /// English where it stands before Chinese in `Accept-Language` (quality values are not weighed), else Chinese.
    init(_ acceptLanguage: String?) {
        let tags = (acceptLanguage ?? "").lowercased().split(separator: ",").map { $0.drop { $0 == " " } }
        let first = tags.first { $0.hasPrefix("zh") || $0.hasPrefix("en") }
        self = first?.hasPrefix("en") == true ? .en : .zh
    }

    /// The one of the two texts.
    func callAsFunction(_ zh: String, _ en: String) -> String { self == .zh ? zh : en }
}
