internal import Bytes
internal import HTTP
public import Proxy

/// Answers as WeCom does: the in-app authorize page, the web login page, the server API under `/cgi-bin/`; as WeChat does to websites: the page
/// `/connect/qrconnect`, the API under `/sns/`; and, for people and tests, the
/// simulator's own page `/` and the control interface under `/_simulator/` (see `SimulatedWorld.control`).
///
/// All hosts of WeCom and WeChat are one here: the paths do not collide. What the simulator adds to their own parameters:
/// - in-app page: `sim_user=ID` (or a cookie `sim_user`) is who holds the phone; `sim_consent=yes|no` answers the question of snsapi_privateinfo;
/// - web login page, and WeChat's: `sim_user=ID` is the scan, `sim_refuse=1` the refusal. The page's links say the same, so that a browser can click them;
/// - a page that refuses has status 400 and says why in `X-Simulator-Error` (a parameter's name, `client`, `range`, `-31020`).
public final class SimulatorResponder: Responder {
    let shared: SharedSimulator
    /// Nil: no events are sent.
    let courier: Courier?

    public init(shared: SharedSimulator, courier: Courier? = nil) {
        self.shared = shared
        self.courier = courier
    }

    public func respond(to request: OwnRequest) async -> OwnResponse {
        if request.path.hasPrefix("/cgi-bin/") { return await serverAPI(request, String(request.path.dropFirst("/cgi-bin/".count))) }
        if request.path.hasPrefix("/sns/") { return await serverAPI(request, String(request.path.dropFirst())) }
        if request.path.hasPrefix("/_simulator/") { return await control(request) }
        guard ["GET", "HEAD"].contains(request.method) else {
            return OwnResponse(status: 405, fields: [("Allow", "GET, HEAD"), ("Content-Type", "text/plain")], body: Array("method not allowed\n".utf8))
        }
        switch request.path {
        case "/connect/oauth2/authorize": return authorize(request)
        case "/wwlogin/sso/login": return webLogin(request)
        case "/connect/qrconnect": return qrConnect(request)
        case "/": return front(request)
        default: return Self.notFound
        }
    }

    static var notFound: OwnResponse {
        OwnResponse(status: 404, fields: [("Content-Type", "text/plain")], body: Array("not found\n".utf8))
    }

    // MARK: the server API

    private func serverAPI(_ request: OwnRequest, _ api: String) async -> OwnResponse {
        let call = APICall(api: api, form: Form(request.query), body: request.body, client: request.client)
        guard APICall.known.contains(call.api) else { return Self.notFound }
        let fault = shared.with { world, _ in world.faults.take(call.api) }
        if let fault, fault.delay > 0 { try? await Task.sleep(for: .milliseconds(fault.delay)) }
        return shared.with { world, now in Self.answer(call, fault?.answer ?? .genuine, &world, now) }
    }

    private static func answer(_ call: APICall, _ answer: FaultPlan.Answer, _ world: inout SimulatedWorld, _ now: WallTime) -> OwnResponse {
        var random = SystemRandomNumberGenerator()
        let genuine: Bool = if case .genuine = answer { true } else { false }
        var caller: APICaller?
        var result: Result<JSON, APIFault>?
        if genuine {
            let (answered, known) = world.answer(call, now: now, random: &random)
            result = answered
            caller = known
        } else if case .errcode(let code, let text) = answer {
            result = .failure(APIFault(code, text))
        }
        var errcode: Int?
        var response = broken(answer)
        switch result {
        case .success(let json):
            errcode = 0
            response = Self.json(json, plain: call.isWeChats)
        case .failure(let fault):
            errcode = fault.code
            let hint = "\(now.seconds)_\(Int.random(in: 1...999, using: &random))_\(SimulatedWorld.opaque(32, &random).lowercased())"
            response = Self.json(fault.body(hint: hint, client: call.client), plain: call.isWeChats)
        case nil: break
        }
        world.log.add(.init(api: call.api, errcode: errcode, corp: caller?.corp.id, agent: caller?.app.agentID, userID: call.form["userid"],
                            time: now.milliseconds))
        return response
    }

    /// The answers that are not WeCom's.
    private static func broken(_ answer: FaultPlan.Answer) -> OwnResponse {
        let type = ("Content-Type", "application/json; charset=UTF-8")
        switch answer {
        case .genuine, .errcode: return OwnResponse(status: 500)
        case .status(let status):
            return OwnResponse(status: status, fields: [("Content-Type", "text/html")], body: Array("<html><body><h1>\(status)</h1></body></html>\n".utf8))
        case .html:
            let page = "<!doctype html><html><head><title>Sign in to the network</title></head><body>Please sign in.</body></html>\n"
            return OwnResponse(status: 200, fields: [("Content-Type", "text/html; charset=utf-8")], body: Array(page.utf8))
        case .empty:
            var response = OwnResponse(status: 200, fields: [type])
            response.close = true
            return response
        case .invalidJSON: return OwnResponse(status: 200, fields: [type], body: Array("{\"errcode\":0,\"errmsg\":\"ok\",\"access_token\":\"abc".utf8))
        case .wrongTypes:
            let body = "{\"errcode\":\"0\",\"errmsg\":1,\"access_token\":{},\"expires_in\":\"soon\",\"userid\":[\"zhangsan\"],\"name\":7,\"department\":\"2\",\"status\":\"1\"}"
            return OwnResponse(status: 200, fields: [type], body: Array(body.utf8))
        case .huge:
            let head = Array("{\"errcode\":0,\"errmsg\":\"".utf8), tail = Array("\"}".utf8)
            return OwnResponse(status: 200, fields: [type], body: head + [UInt8](repeating: UInt8(ascii: "x"), count: 2 << 20) + tail)
        case .redirect: return OwnResponse(status: 302, fields: [("Location", "http://127.0.0.1:1/elsewhere")])
        }
    }

    /// - Parameter plain: `text/plain`, as WeChat calls it.
    static func json(_ value: JSON, status: Int = 200, plain: Bool = false) -> OwnResponse {
        OwnResponse(status: status, fields: [("Content-Type", plain ? "text/plain" : "application/json; charset=UTF-8")], body: value.bytes)
    }

    // MARK: the control interface

    private func control(_ request: OwnRequest) async -> OwnResponse {
        let name = String(request.path.dropFirst("/_simulator/".count))
        if request.method == "GET" || request.method == "HEAD" {
            if name == "deliveries", let courier { return Self.json(courier.deliveries) }
            return shared.with { world, _ in world.report(name) }.map { Self.json($0) } ?? Self.notFound
        }
        guard request.method == "POST" else { return OwnResponse(status: 405, fields: [("Allow", "GET, HEAD, POST")]) }
        // Not a type that a form of a foreign page can send.
        guard (request.fields.text("Content-Type") ?? "").lowercased().hasPrefix("application/json") else {
            return Self.json(.members(["error": "Content-Type must be application/json"]), status: 415)
        }
        guard let body = request.body.isEmpty ? JSON.object([]) : JSON(parsing: request.body), case .object = body else {
            return Self.json(.members(["error": "the body must be a JSON object"]), status: 400)
        }
        do throws(ControlFault) {
            return Self.json(try await obey(name, body))
        } catch {
            return Self.json(.members(["error": .string(error.text)]), status: error.status)
        }
    }

    private func obey(_ name: String, _ body: JSON) async throws(ControlFault) -> JSON {
        let done = JSON.members(["ok": .bool(true)])
        if let courier, name == "event" { return try await sendEvent(body, courier) }
        if let courier, name == "callback" {
            try await enterCallback(body, courier)
            return done
        }
        let initial = shared.initial
        let result = shared.with { world, now in
            let before = world.corps
            do throws(ControlFault) {
                try world.control(name, body, initial: initial, now: now)
                return Result<[SimulatedCorp], ControlFault>.success(before)
            } catch {
                return .failure(error)
            }
        }
        let before = try result.get()
        if let courier, ["member", "department", "tag", "app"].contains(name) {
            let renamed = [(body["userid"]?.text, body["new_userid"]?.text)].compactMap { old, new in old.flatMap { old in new.map { (old, $0) } } }
            tell(of: before, renamed: Dictionary(renamed) { $1 }, courier)
        }
        return done
    }
}
