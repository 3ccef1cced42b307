internal import Access
internal import Bytes
internal import Proxy
internal import WeCom

/// `/.menwei/events/CONNECTION`: where WeCom tells of changes in the directory, and checks the address when it is saved. What is told is only noted
/// here; members are looked up after the answer (`MemberCheck.attend`).
extension Portal {
    /// Beyond its budget an address is still heard, in messages of at most so many bytes: nearly all of WeCom's are smaller, and behind a balancer that
    /// does not say whom it speaks for a stranger's address is WeCom's too.
    static let smallCallback = 8 << 10

    func events(_ asked: Asked, _ connection: ConnectionOptions, _ reader: CallbackReader) -> OwnResponse {
        let request = asked.request
        do throws(CallbackReader.Fault) {
            switch request.method {
            case "GET":
                let text = try reader.echo(query: request.query, now: asked.now)
                return data("text/plain", text, cache: "no-store")
            case "POST":
                guard request.body.count <= Self.smallCallback || callbackBudget.allows(request.client, now: asked.now) else {
                    return OwnResponse(status: 429, fields: [("Retry-After", "60"), ("Cache-Control", "no-store")])
                }
                let notification = try reader.notification(query: request.query, body: request.body, now: asked.now)
                // First: whoever is named is looked up at once.
                if notification.change.departments || notification.change.tags { providers[connection.id]?.groups?.forget() }
                if suspicions.note(notification, connection: connection.id, now: asked.now) {
                    records.event(notification.change, connection: connection.id)
                }
                return OwnResponse(status: 200, fields: [("Cache-Control", "no-store")])
            default:
                return refuse(.methodNotAllowed(allow: "GET, POST"), asked)
            }
        } catch {
            callbackBudget.spend(request.client, now: asked.now)
            noteRefused(error, connection, asked)
            // The same for every fault: what is wrong is for the administrator's log.
            return OwnResponse(status: 403, fields: [("Cache-Control", "no-store")])
        }
    }

    /// One line a minute for each connection and fault: strangers choose how many there are.
    private func noteRefused(_ fault: CallbackReader.Fault, _ connection: ConnectionOptions, _ asked: Asked) {
        let key = connection.id + " " + fault.rawValue
        if let last = refusedCallbacks[key], asked.now.milliseconds - last.milliseconds < 60_000, asked.now >= last { return }
        refusedCallbacks[key] = asked.now
        records.callbackRefused(fault.rawValue, connection.id, asked.requestID)
    }
}
