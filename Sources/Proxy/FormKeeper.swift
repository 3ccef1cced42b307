public import Access

/// Keeps forms that people sent when their session was over, and gives them back once (README, *What clients receive*). Implemented by the portal; called on
/// the worker's loop.
public protocol FormKeeper: AnyObject {
    /// Whose form it is: the cookie that came with it is of a session that ended within the last hour. Nil: it is nobody's, and not kept.
    /// - Parameter request: without the body, which has not been read yet.
    func owner(of request: OwnRequest) async throws(StoreFailure) -> FormOwner?
    /// Keeps it, and answers with the way to the login; or says why it is not kept.
    func keep(_ request: OwnRequest, of owner: FormOwner) async throws(StoreFailure) -> OwnResponse
    /// The form that `key` stands for, if it was sent from this browser to this address by the member who is logged in now. It is taken: nobody gets it again.
    func takeBack(_ key: String, for request: OwnRequest) async throws(StoreFailure) -> KeptForm?
    /// Keeps it on under the same key: nothing of it reached the application. A reload of the page that says so sends it again.
    /// - Parameter request: with the form in it, as it was to go out.
    func putBack(_ key: String, _ request: OwnRequest) async
}

/// The member whose session was over when the form came.
public struct FormOwner: Equatable, Sendable {
    public var sid: String
    public var connection: String
    public var user: String

    public init(sid: String, connection: String, user: String) {
        self.sid = sid
        self.connection = connection
        self.user = user
    }
}

/// What a browser sent, as it goes to the upstream after the login.
public struct KeptForm: Equatable, Sendable {
    /// The value of `Content-Type`, as it came, boundary and all.
    public var contentType: String
    /// The page that it was sent from, where the browser said so.
    public var referer: String?
    /// As it came, byte for byte.
    public var body: [UInt8]

    public init(contentType: String, referer: String?, body: [UInt8]) {
        self.contentType = contentType
        self.referer = referer
        self.body = body
    }

    /// 1 MiB
    public static let limit = 1 << 20

    /// The one field of the form with which the browser asks for it, after the login, at the address of the original.
    public static let field = "menwei-kept-form"

    /// Characters of a key: 256 random bits in base64url.
    static let keyLength = CookieValue.length
    /// The whole body of such a form, in bytes: `menwei-kept-form=KEY`.
    static let markLength = UInt64(field.utf8.count + 1 + keyLength)

    /// The key in a body that is nothing but the mark; nil: somebody's own form.
    public static func key(in body: [UInt8]) -> String? {
        guard body.count == markLength, body.starts(with: (field + "=").utf8) else { return nil }
        let key = body.suffix(keyLength)
        return CookieValue.isWellFormed(key) ? String(decoding: key, as: UTF8.self) : nil
    }
}

/// Room for the forms that a worker holds in memory at the same time: while they are read, and while they are given back.
final class FormRoom {
    /// 32 MiB
    static let capacity = 32 << 20
    /// 4 MiB for one session, or whoever else it is for: nobody is to hold all of it.
    static let ofOne = 4 << 20
    private(set) var free = capacity
    private var held: [String: Int] = [:]

    /// Room for `bytes`, until the value is let go; nil where there is none.
    func share(_ bytes: Int, for owner: String) -> Share? {
        guard bytes <= free, held[owner, default: 0] + bytes <= Self.ofOne else { return nil }
        free -= bytes
        held[owner, default: 0] += bytes
        return Share(bytes, for: owner, of: self)
    }

    private func take(back share: Share) {
        free += share.bytes
        let left = held[share.owner, default: 0] - share.bytes
        held[share.owner] = left > 0 ? left : nil
    }

    final class Share {
        let bytes: Int
        fileprivate let owner: String
        private let room: FormRoom

        fileprivate init(_ bytes: Int, for owner: String, of room: FormRoom) {
            self.bytes = bytes
            self.owner = owner
            self.room = room
        }

        deinit { room.take(back: self) }
    }
}
