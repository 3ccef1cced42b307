import Bytes
import FoundationEssentials

/// An access record, as far as `menwei report` needs it.
struct AccessLine {
    let event: String
    let time: WallTime?
    let site, host, method, path, decision, account, client: String?

    /// Nil where it is no record: no JSON object, no `event`, or members of other types.
    init?(_ line: ArraySlice<UInt8>) {
        guard let members = try? JSONDecoder().decode(Members.self, from: Data(line)) else { return nil }
        event = members.event
        time = members.time.flatMap { RFC3339.parse($0) }
        (site, host, method, path) = (members.site, members.host, members.method, members.path)
        (decision, account, client) = (members.decision, members.account, members.client)
    }

    private struct Members: Decodable {
        var event: String
        var time, site, host, method, path, decision, account, client: String?
    }

    /// Whether the request passed the rules; nil where none was asked.
    var hadAccess: Bool? {
        switch decision {
        case "allow", "anyone", "observed": true
        case "deny", "login": false
        default: nil
        }
    }
}
