internal import Bytes
internal import Proxy

/// The controls that call out (see the table at `SimulatedWorld.control`), and the events that other controls bring about.
extension SimulatorResponder {
    /// `callback`: enters an address, after WeCom's check of it.
    func enterCallback(_ body: JSON, _ courier: Courier) async throws(ControlFault) {
        let (place, corp, now) = try corp(body)
        let agent = body["agentid"]?.number
        var callback: SimulatedCallback?
        if body["url"] != .null {
            let entered = SimulatedCallback(
                agentID: agent, url: try SimulatedWorld.text(body, "url"), token: try SimulatedWorld.text(body, "token"), aesKey: try SimulatedWorld.text(body, "aes_key"),
                connectTo: body["connect_to"]?.text)
            let patience = body["patience_ms"] == nil ? Courier.checkPatience : .milliseconds(try SimulatedWorld.number(body, "patience_ms", 1...60_000))
            if let why = await courier.check(entered, corp: corp.id, now: now, patience: patience) { throw ControlFault(why) }
            callback = entered
        }
        shared.with { world, _ in
            world.corps[place].callbacks.removeAll { $0.agentID == agent }
            if let callback { world.corps[place].callbacks.append(callback) }
        }
    }

    /// `event`: sends one event at once, as it should be or with a fault; the last answer's status.
    func sendEvent(_ body: JSON, _ courier: Courier) async throws(ControlFault) -> JSON {
        let (_, corp, now) = try corp(body)
        let agent = body["agentid"]?.number
        guard let callback = corp.callbacks.first(where: { $0.agentID == agent }) else { throw ControlFault("there is no such callback", status: 404) }
        guard let fault = CallbackFault(rawValue: body["fault"]?.text ?? "none") else { throw ControlFault("fault: \(CallbackFault.allCases.map(\.rawValue).joined(separator: " "))") }
        var message = body["message"]?.text ?? ""
        if case .object(let members)? = body["members"] {
            let event = SimulatedEvent(sender: body["sender"]?.text ?? "sys", members: members.map { (name: $0.name, value: $0.value.text ?? $0.value.number.map(String.init) ?? "") })
            message = event.xml(corp: corp.id, now: now)
        }
        let status = await courier.deliver(message, "on demand", to: callback, corp: corp.id, now: now, fault: fault, asJSON: body["json"]?.flag == true, attempts: 1)
        return .members(["ok": .bool(true), "status": status.map { .int($0) } ?? .null])
    }

    /// Tells the callbacks of what became different; nobody waits for it.
    func tell(of old: [SimulatedCorp], renamed: [String: String], _ courier: Courier) {
        let (corps, now) = shared.with { world, now in (world.corps, now) }
        for corp in corps where !corp.callbacks.isEmpty {
            guard let last = old.first(where: { $0.id == corp.id }), last != corp else { continue }
            let changes = CorpChanges(from: last, to: corp, renamed: renamed)
            for callback in corp.callbacks {
                for event in callback.agentID.map({ changes.apps[$0] ?? [] }) ?? changes.directory {
                    let name = event.members.first { $0.name == "ChangeType" }?.value ?? event.members.first?.value ?? ""
                    let message = event.xml(corp: corp.id, now: now)
                    Task { await courier.deliver(message, name, to: callback, corp: corp.id, now: now) }
                }
            }
        }
    }

    private func corp(_ body: JSON) throws(ControlFault) -> (Int, SimulatedCorp, WallTime) {
        let (corps, now) = shared.with { world, now in (world.corps, now) }
        let id = body["corpid"]?.text
        guard let place = corps.firstIndex(where: { id == nil || $0.id == id }) else { throw ControlFault("corpid: no such corp", status: 404) }
        return (place, corps[place], now)
    }
}
