/// What an event means for people who are logged in (developer documents 90970 and 96302). An event is a hint: whatever it says, the directory is asked.
public struct DirectoryChange: Sendable, Equatable {
    /// Members who may have changed or gone: user ids as WeCom wrote them.
    public var users: [String] = []
    /// Anybody of the corp may be concerned.
    public var concernsEverybody = false
    /// The tree of departments is not what it was.
    public var departments = false
    /// Who has which tag is not what it was.
    public var tags = false

    public init() {}

    /// Nobody is concerned.
    public var isNothing: Bool { self == DirectoryChange() }

    /// More members in one event than this count as everybody.
    static let userLimit = 1000

    /// - Parameter message: decrypted, XML or JSON. What is no event, or one of another kind, changes nothing.
    init(message: [UInt8]) {
        guard let message = FlatMessage(message), message.text("msgtype")?.lowercased() == "event" else { return }
        switch message.text("event")?.lowercased() {
        case "change_contact": contactChange(message)
        // To the app: somebody came into its visible range, or left it.
        case "subscribe", "unsubscribe": name([message.text("fromusername")])
        default: break
        }
    }

    private mutating func contactChange(_ message: FlatMessage) {
        switch message.text("changetype")?.lowercased() {
        case "create_user", "delete_user": name([message.text("userid")])
        case "update_user":
            // After a change of the id the old one is nobody's: whoever is logged in with it is out.
            let fresh = message.text("newuserid")
            name([message.text("userid")] + (fresh == "" ? [] : [fresh]))
        // Nobody is in a new department yet.
        case "create_party": departments = true
        case "update_party", "delete_party":
            departments = true
            concernsEverybody = true
        case "update_tag":
            tags = true
            let users = ["adduseritems", "deluseritems"].map { message.text($0) }, parties = ["addpartyitems", "delpartyitems"].map { message.text($0) }
            // Departments carry a tag to all who are in them. A change of nothing is one that we do not understand.
            concernsEverybody = parties.contains { $0 != "" } || users.allSatisfy { $0 == "" }
            name(users.flatMap { items in items == "" ? [] : items.map { $0.split(separator: ",").map { String($0) } } ?? [nil] })
        default: break
        }
    }

    /// Ids that cannot be read may be anybody's.
    private mutating func name(_ ids: [String?]) {
        var known: Set<String> = []
        for id in ids {
            if let id, let user = UserID(id), case .own(let text) = user {
                if known.insert(text).inserted { users.append(text) }
            } else {
                concernsEverybody = true
            }
        }
        if users.count > Self.userLimit {
            users = []
            concernsEverybody = true
        }
    }
}
