public import Bytes

/// One access rule of a site (README, *Configure*). The first rule whose path and methods match decides.
public struct Rule: Equatable, Sendable {
    /// A path counted from the root of the origin, percent-decoded, a run of `/` made one.
    public enum Path: Equatable, Sendable {
        /// No `path` was given: every path.
        case any
        /// That path alone.
        case exactly([UInt8])
        /// `/admin/*`: the path before `/*` and all below it.
        case under([UInt8])
    }
    /// A department or a tag: a number of the corp of one connection.
    public struct GroupID: Hashable, Sendable {
        public var connection: String
        public var id: Int
        public init(connection: String, id: Int) {
            self.connection = connection
            self.id = id
        }
    }
    /// Whom the rule lets in: for whom every key holds that is not nil. Of a key's items one suffices; there is at least one.
    public struct Allow: Equatable, Sendable {
        /// False: `anyone`. Then only `networks` can be asked for.
        public var asksLogin: Bool
        /// Folded account names (`Member.accountKey`).
        public var users: Set<String>?
        /// With those below.
        public var departments: Set<GroupID>?
        public var tags: Set<GroupID>?
        /// Ids of connections.
        public var connections: Set<String>?
        public var networks: [IPNetwork]?
        public var hours: [OpenHours]?

        public init(asksLogin: Bool = true) { self.asksLogin = asksLogin }

        /// No login needed.
        public static let anyone = Allow(asksLogin: false)
        /// Whoever has a session.
        public static let members = Allow()
        /// Folded account names.
        public static func users(_ accounts: Set<String>) -> Allow {
            var allow = Allow()
            allow.users = accounts
            return allow
        }
    }

    public var path: Path
    /// The pattern as it was written, for explanations and records; `*` where none was.
    public var pattern: String
    /// Upper-case method tokens; empty: all. GET includes HEAD.
    public var methods: Set<String>
    public var allow: Allow
    /// How old a login may be; nil: as old as the session.
    public var maxAge: Duration?
    /// Where it stands, `FILE:LINE`.
    public var source: String

    public init(path: Path, pattern: String, methods: Set<String>, allow: Allow, maxAge: Duration? = nil, source: String) {
        self.path = path
        self.pattern = pattern
        self.methods = methods
        self.allow = allow
        self.maxAge = maxAge
        self.source = source
    }
}
