/// The languages that pages speak. Chinese comes first: it is what a client gets that asks for neither.
enum Language: Sendable, Equatable, CaseIterable {
    case zh, en

    /// For the `lang` attribute (BCP 47).
    var tag: String { self == .zh ? "zh-CN" : "en" }

    /// Chooses by `Accept-Language` (RFC 9110 section 12.5.4): the one with the higher weight; the earlier one where they are equal.
    /// At most the first 16 ranges count.
    init(acceptLanguage: String?) {
        var best: (language: Language, weight: Int)?
        for range in (acceptLanguage ?? "").split(separator: ",", maxSplits: 16, omittingEmptySubsequences: true).prefix(16) {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let tag = parts.first else { continue }
            let primary = tag.split(separator: "-").first.map(String.init) ?? ""
            let language: Language
            switch primary {
            case "zh", "*": language = .zh
            case "en": language = .en
            default: continue
            }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Self.thousandths($0.dropFirst(2)) } ?? 1000
            if weight > 0 && weight > (best?.weight ?? 0) { best = (language, weight) }
        }
        self = best?.language ?? .zh
    }

    /// `0.8` as 800; 0 for what is no weight.
    private static func thousandths(_ text: Substring) -> Int {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, whole == "0" || whole == "1" else { return 0 }
        guard whole == "0" else { return 1000 }
        let digits = parts.count == 2 ? parts[1] : ""
        guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return 0 }
        return Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
    }
}

/// One text in both languages.
struct Phrase: Sendable, Equatable {
    var zh: String
    var en: String

    init(_ zh: String, _ en: String) {
        self.zh = zh
        self.en = en
    }

    /// Both languages, one text after the other.
    static func + (a: Phrase, b: Phrase) -> Phrase { Phrase(a.zh + b.zh, a.en + b.en) }

    func callAsFunction(_ language: Language) -> String { language == .zh ? zh : en }
}
