/// What people call a browser, told from its User-Agent: `Chrome 126 on Windows`. Only words of ours and digits come out, whatever goes in.
struct BrowserName: Equatable {
    var program: Phrase?
    /// The first number of its version; empty where there is none.
    var version = ""
    var system: String?

    /// The User-Agent is looked at up to this many bytes.
    private static let limit = 1024

    /// In the order in which they are looked for: most programs call themselves by their ancestors' names too.
    private static let programs: [(mark: String, name: Phrase)] = [
        ("wxwork/", Phrase("企业微信", "WeCom")), ("micromessenger/", Phrase("微信", "WeChat")), ("dingtalk/", Phrase("钉钉", "DingTalk")),
        ("lark/", Phrase("飞书", "Lark")), ("edg/", same("Edge")), ("edga/", same("Edge")), ("edgios/", same("Edge")), ("opr/", same("Opera")),
        ("qqbrowser/", Phrase("QQ 浏览器", "QQ Browser")), ("ucbrowser/", Phrase("UC 浏览器", "UC Browser")),
        ("huaweibrowser/", Phrase("华为浏览器", "Huawei Browser")), ("miuibrowser/", Phrase("小米浏览器", "Mi Browser")),
        ("samsungbrowser/", Phrase("三星浏览器", "Samsung Internet")), ("firefox/", same("Firefox")), ("fxios/", same("Firefox")),
        ("crios/", same("Chrome")), ("chromium/", same("Chromium")), ("chrome/", same("Chrome")), ("version/", same("Safari")), ("curl/", same("curl")),
    ]
    private static let systems: [(mark: String, name: String)] = [
        ("iphone", "iPhone"), ("ipad", "iPad"), ("openharmony", "HarmonyOS"), ("harmonyos", "HarmonyOS"), ("android", "Android"), ("windows", "Windows"),
        ("cros ", "ChromeOS"), ("mac os x", "macOS"), ("macintosh", "macOS"), ("linux", "Linux"),
    ]

    init(_ userAgent: String) {
        let text = Array(userAgent.lowercased().utf8.prefix(Self.limit))
        for (mark, name) in Self.programs {
            guard let at = Self.end(of: mark, in: text) else { continue }
            // Other programs than Safari say `Version/` as well.
            if mark == "version/", Self.end(of: "safari/", in: text) == nil { continue }
            program = name
            version = String(decoding: text[at...].prefix { (0x30...0x39).contains($0) }.prefix(4), as: UTF8.self)
            break
        }
        system = Self.systems.first { Self.end(of: $0.mark, in: text) != nil }?.name
    }

    var phrase: Phrase {
        guard let program else { return system.map { Phrase("\($0) 上的浏览器", "A browser on \($0)") } ?? Phrase("未知的浏览器", "Unknown browser") }
        let name = version.isEmpty ? program : program + Self.same(" " + version)
        guard let system else { return name }
        // Between Chinese and Latin letters stands a blank.
        return Phrase("\(system) 上的\(name.zh.first?.isASCII == true ? " " : "")\(name.zh)", "\(name.en) on \(system)")
    }

    private static func same(_ text: String) -> Phrase { Phrase(text, text) }

    /// Where the first `mark` ends.
    private static func end(of mark: String, in text: [UInt8]) -> Int? {
        let mark = Array(mark.utf8)
        guard text.count >= mark.count else { return nil }
        return (0...text.count - mark.count).first { text[$0] == mark[0] && text[$0..<$0 + mark.count].elementsEqual(mark) }.map { $0 + mark.count }
    }
}
