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
    /// Whom the rule lets in.
    public enum Allow: Equatable, Sendable {
        /// No login needed.
        case anyone
        /// Whoever has a session.
        case members
        /// Folded account names (`Member.accountKey`), at least one.
        case users(Set<String>)
    }

    public var path: Path
    /// The pattern as it was written, for explanations and records; `*` where none was.
    public var pattern: String
    /// Upper-case method tokens; empty: all. GET includes HEAD.
    public var methods: Set<String>
    public var allow: Allow
    /// Where it stands, `FILE:LINE`.
    public var source: String

    public init(path: Path, pattern: String, methods: Set<String>, allow: Allow, source: String) {
        self.path = path
        self.pattern = pattern
        self.methods = methods
        self.allow = allow
        self.source = source
    }
}
