internal import Bytes
public import Outbound
internal import Synchronization

/// Delivers events as WeCom does: an answer other than 200 within 5 s is a failure, after which it is tried again, three times in all.
public final class Courier: Sendable {
    static let attempts = 3
    static let patience = Duration.seconds(5)
    /// WeCom does not say how long it waits.
    static let pause = Duration.seconds(1)
    /// The check of an address must be answered within 1 s.
    static let checkPatience = Duration.seconds(1)

    struct Delivery: Sendable {
        var corp: String
        var event: String
        var attempts: Int
        /// The last answer's; nil where there was none.
        var status: Int?
    }

    private let caller: any HTTPCaller
    private let log = Mutex<[Delivery]>([])

    /// - Parameter caller: must accept whatever certificate a gateway under test has.
    public init(caller: any HTTPCaller) { self.caller = caller }

    /// The last 1000.
    var deliveries: JSON {
        .members(["deliveries": .array(log.withLock { $0 }.map {
            .members(["corpid": .string($0.corp), "event": .string($0.event), "attempts": .int($0.attempts), "status": $0.status.map { .int($0) } ?? .null])
        })])
    }

    /// Asks an address as when it is saved; why it is not taken, or nil.
    func check(_ callback: SimulatedCallback, corp: String, now: WallTime, patience: Duration) async -> String? {
        var random = SystemRandomNumberGenerator()
        let text = String(UInt64.random(in: 1_000_000_000_000_000_000...UInt64.max, using: &random))
        guard let sealed = CallbackSealer(callback: callback, corpID: corp).seal(text, fault: .none, now: now, random: &random) else { return "aes_key: 43 characters" }
        var request = OutboundRequest(url: Self.address(callback, sealed.query + [("echostr", sealed.encrypted)]), timeout: patience)
        request.connectTo = callback.connectTo
        guard let answer = try? await caller.call(request) else { return "the address does not answer" }
        guard answer.status == 200 else { return "the address answered \(answer.status)" }
        return answer.body == Array(text.utf8) ? nil : "the address answered something else than what was in echostr"
    }

    /// Delivers an event; the last answer's status, nil where there was none.
    @discardableResult
    func deliver(_ message: String, _ name: String, to callback: SimulatedCallback, corp: String, now: WallTime, fault: CallbackFault = .none, asJSON: Bool = false,
                 attempts: Int = Courier.attempts) async -> Int? {
        var random = SystemRandomNumberGenerator()
        guard let sealed = CallbackSealer(callback: callback, corpID: corp).seal(message, fault: fault, now: now, random: &random) else { return nil }
        let agent = callback.agentID.map(String.init) ?? ""
        let envelope = asJSON
            ? JSON.members(["tousername": .string(corp), "encrypt": .string(sealed.encrypted), "agentid": .int(callback.agentID ?? 0)]).bytes
            : Array("<xml><ToUserName><![CDATA[\(corp)]]></ToUserName><AgentID><![CDATA[\(agent)]]></AgentID><Encrypt><![CDATA[\(sealed.encrypted)]]></Encrypt></xml>".utf8)
        var request = OutboundRequest(method: .post, url: Self.address(callback, sealed.query), body: envelope, timeout: Self.patience)
        request.contentType = asJSON ? "application/json" : "text/xml"
        request.connectTo = callback.connectTo
        var status: Int?
        var made = 0
        while made < attempts {
            if made > 0 { try? await Task.sleep(for: Self.pause) }
            made += 1
            status = try? await caller.call(request).status
            if status == 200 { break }
        }
        if fault == .replay { status = try? await caller.call(request).status }
        let delivery = Delivery(corp: corp, event: name, attempts: made, status: status)
        log.withLock { log in
            if log.count >= 1000 { log.removeFirst(250) }
            log.append(delivery)
        }
        return status
    }

    private static func address(_ callback: SimulatedCallback, _ query: [(String, String)]) -> String {
        callback.url + (callback.url.contains("?") ? "&" : "?") + query.map { $0 + "=" + Form.encode($1) }.joined(separator: "&")
    }
}
