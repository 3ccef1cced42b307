/// One way to log in (README, *Configure*, `connections`): what all of them have, and the app behind it.
public struct ConnectionOptions: Sendable, Equatable {
    /// Text on the button, by language; a plain string serves all.
    public struct Name: Sendable, Equatable {
        public var zh: String
        public var en: String
        public init(zh: String, en: String) {
            self.zh = zh
            self.en = en
        }
    }
    /// Whose app it is (`type`).
    public enum Kind: Sendable, Equatable {
        case wecom(WeComApp)
        case wechat(WeChatApp)
    }

    public var id: String
    public var name: Name
    /// Its accounts are written without `ID/`. Never with WeChat.
    public var plainNames: Bool
    public var kind: Kind

    public init(id: String, name: Name, plainNames: Bool, _ kind: Kind) {
        self.id = id
        self.name = name
        self.plainNames = plainNames
        self.kind = kind
    }

    /// Nil where it is WeChat's.
    public var wecom: WeComApp? {
        if case .wecom(let app) = kind { app } else { nil }
    }

    /// Within what its user ids are good: the corp id, or the app id of a WeChat connection.
    public var corp: String {
        switch kind {
        case .wecom(let app): app.corpID
        case .wechat(let app): app.appID
        }
    }
}

extension ConnectionOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the secret, wherever options end up in a text.
    public var description: String { "connection \(id)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
