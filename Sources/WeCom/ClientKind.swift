/// Which program a browser says it is, as far as a login cares: a hint for which way to log in to offer first, never an
/// authorisation input (anyone can send any User-Agent).
public struct ClientKind: Equatable, Sendable {
    public enum Family: String, Sendable {
        /// WeCom on any platform: has `wxwork`, whatever its case; most of them carry `MicroMessenger` as well.
        case weCom
        /// WeChat: has `MicroMessenger` and no `wxwork`.
        case weChat
        /// Another program's in-app browser (DingTalk, Lark).
        case otherApp
        /// Everything else.
        case other
    }

    public var family: Family
    /// On a desktop system. Where it cannot be told, false for programs of a phone and true for ordinary browsers.
    public var isDesktop: Bool
    /// A privately deployed or government WeCom (`wxworklocal`, `wwlocal`).
    public var isPrivateBuild: Bool

    public var isWeCom: Bool { family == .weCom }
    public var isWeChat: Bool { family == .weChat }
    public var isMobile: Bool { !isDesktop }

    /// The User-Agent is looked at up to this many bytes.
    public static let limit = 1024

    /// - Parameter userAgent: the field's value as it came; empty where there is none.
    public init(userAgent: some Sequence<UInt8>) {
        let text = userAgent.prefix(Self.limit).map { UInt8(ascii: "A") <= $0 && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0 }
        func has(_ word: StaticString) -> Bool { contains(text, word) }

        let isDesktopSystem = has("windows nt") || has("windowswechat") || has("macwechat") || has("macintosh")
        let isPhone = has("mobile") || has("iphone") || has("ipad") || has("android") || has("openharmony") || has("windows phone")
        isPrivateBuild = false
        if has("wxwork") {
            family = .weCom
            isDesktop = isDesktopSystem && !has("mobile")
            isPrivateBuild = has("wxworklocal") || has("wwlocal")
        } else if has("micromessenger") {
            family = .weChat
            isDesktop = isDesktopSystem && !has("mobile")
        } else {
            family = has("aliapp(dingtalk") || has("lark/") ? .otherApp : .other
            isDesktop = !isPhone
        }
    }

    public init(userAgent: String) { self.init(userAgent: userAgent.utf8) }
}

/// Whether `text` has `word`, which is ASCII in lower case.
private func contains(_ text: [UInt8], _ word: StaticString) -> Bool {
    let word = Array(word.description.utf8)
    guard !word.isEmpty, text.count >= word.count else { return false }
    for start in 0...(text.count - word.count) where text[start] == word[0] {
        if text[start..<(start + word.count)].elementsEqual(word) { return true }
    }
    return false
}
