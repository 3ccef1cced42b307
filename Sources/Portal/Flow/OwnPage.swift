/// The pages of the auth origin below `/.menwei/` for which one has to be logged in, and to which a login may lead. `return` never leads there.
enum OwnPage: Equatable, Sendable {
    case sessions
    case scan(ScanCode)

    /// Below `/.menwei/`.
    var path: String {
        switch self {
        case .sessions: "sessions"
        case .scan(let code): "scan/" + code.text
        }
    }

    /// Nil for everything else.
    init?(_ path: String?) {
        guard let path else { return nil }
        if path == "sessions" {
            self = .sessions
        } else if path.hasPrefix("scan/"), let code = ScanCode(path.dropFirst("scan/".count)) {
            self = .scan(code)
        } else {
            return nil
        }
    }
}
