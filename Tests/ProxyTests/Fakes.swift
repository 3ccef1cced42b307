import Access
import Bytes
import Crypto
import HTTP
import EventLoop
import Synchronization

@testable import Proxy

/// Sessions in a dictionary; what it is asked is counted, and it can be told to fail.
final class FakeStore: SessionStore {
    struct State {
        var sessions: [Digest256: SessionRecord] = [:]
        var lookups = 0
        var touched: [[String: WallTime]] = []
        var isDown = false
        /// Who asks waits until this is false again.
        var holds = false
        var held: [CheckedContinuation<Void, Never>] = []
        var sinks: [@Sendable (StoreNotice) -> Void] = []
    }
    let state = Mutex(State())

    func tell(_ notice: StoreNotice) { for sink in state.withLock({ $0.sinks }) { sink(notice) } }

    func answerAll() {
        let held = state.withLock { state in
            state.holds = false
            defer { state.held = [] }
            return state.held
        }
        for one in held { one.resume() }
    }

    func lookup(_ cookie: Digest256, at scope: CookieScope, now: WallTime) async throws(StoreFailure) -> CookieLookup {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state in
                if state.holds { state.held.append(continuation) }
                return !state.holds
            }
            if passes { continuation.resume() }
        }
        let found: Result<CookieLookup, StoreFailure> = state.withLock { state in
            state.lookups += 1
            if state.isDown { return .failure(StoreFailure(.unreachable, "test")) }
            return .success(state.sessions[cookie].map { .live($0) } ?? .unknown)
        }
        return try found.get()
    }
    func touch(_ seen: [String: WallTime]) async throws(StoreFailure) { state.withLock { $0.touched.append(seen) } }
    func subscribe(_ sink: @escaping @Sendable (StoreNotice) -> Void) { state.withLock { $0.sinks.append(sink) } }

    private var unused: StoreFailure { StoreFailure(.unreachable, "not in this test") }
    func open(_ login: Login, now: WallTime) async throws(StoreFailure) -> SessionRecord { throw unused }
    func enter(_ sid: String, host: String, cookie: Digest256, previous: Digest256?, now: WallTime) async throws(StoreFailure) -> SessionRecord? {
        throw unused
    }
    func end(_ selector: SessionSelector, now: WallTime) async throws(StoreFailure) -> [String] { throw unused }
    func update(_ member: Member, checked: WallTime) async throws(StoreFailure) { throw unused }
    func list(account: String?, now: WallTime) async throws(StoreFailure) -> [SessionRecord] { throw unused }
    /// All there are, whoever's: what is known of a session changes in these tests, and with it its member.
    func sessions(connection: String, user: String, now: WallTime) async throws(StoreFailure) -> [SessionRecord] {
        let found: Result<[SessionRecord], StoreFailure> = state.withLock { $0.isDown ? .failure(StoreFailure(.unreachable, "test")) : .success(Array($0.sessions.values)) }
        return try found.get()
    }
    func due(before: WallTime, of connection: String?, limit: Int, now: WallTime) async throws(StoreFailure) -> [SessionRecord] { throw unused }
    func count(now: WallTime) async throws(StoreFailure) -> Int { throw unused }
    func put(_ kind: OneTimeKind, _ key: Digest256, _ value: [UInt8], of owner: String?, expires: WallTime, now: WallTime) async throws(StoreFailure) -> Bool { throw unused }
    func keepPost(_ key: Digest256, _ value: [UInt8], of sid: String, size: Int, expires: WallTime, now: WallTime) async throws(StoreFailure) -> Bool { throw unused }
    func peek(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]? { throw unused }
    func take(_ kind: OneTimeKind, _ key: Digest256, now: WallTime) async throws(StoreFailure) -> [UInt8]? { throw unused }
    func sweep(now: WallTime) async throws(StoreFailure) { throw unused }
    func probe() async throws(StoreFailure) -> Bool { throw unused }
    func close() async {}
}

/// Says in a word what it was asked to answer.
final class FakePortal: Responder, RefusalRenderer, FormKeeper {
    /// What `/.menwei/stream` began.
    private(set) var streams: [OwnStream] = []
    /// How many of them are over.
    private(set) var ended = 0

    private func begin(_ stream: OwnStream) {
        streams.append(stream)
        stream.onEnd = { [unowned self] in ended += 1 }
        stream.send(Array("first\n".utf8))
    }

    /// Whose forms it keeps; nil: nobody's.
    var owner: FormOwner?
    /// By key.
    var forms: [String: KeptForm] = [:]

    func owner(of request: OwnRequest) async throws(StoreFailure) -> FormOwner? { owner }

    func keep(_ request: OwnRequest, of owner: FormOwner) async throws(StoreFailure) -> OwnResponse {
        OwnResponse(status: 303, body: Array("kept \(request.body.count) of \(owner.user)".utf8))
    }

    func putBack(_ key: String, _ request: OwnRequest) async {
        forms[key] = KeptForm(contentType: request.fields.text(.contentType) ?? "", referer: request.fields.text(.referer), body: request.body)
    }

    func takeBack(_ key: String, for request: OwnRequest) async throws(StoreFailure) -> KeptForm? { forms.removeValue(forKey: key) }

    func respond(to request: OwnRequest) async -> OwnResponse {
        if request.path == "/.menwei/never" {
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            for await _ in stream {}
            withExtendedLifetime(continuation) {}
        }
        if request.path == "/.menwei/stream" {
            var response = OwnResponse(status: 200, fields: [("Content-Type", "text/event-stream")])
            let bound = LoopBound(self)
            response.stream = { bound.value.begin($0) }
            return response
        }
        if request.query == "split" { return OwnResponse(status: 200, fields: [("Location", "/\r\nX-Evil: 1")]) }
        return OwnResponse(status: 200, body: Array("own \(request.method) \(request.path) \(request.body.count)".utf8))
    }

    func answer(_ refusal: Refusal, to request: OwnRequest, audience: Audience) -> OwnResponse {
        let status: Int
        switch refusal {
        case .loginRequired: status = 401
        case .denied, .foreignOrigin: status = 403
        case .noSuchSite, .noSuchOwnPath: status = 404
        case .methodNotAllowed: status = 405
        case .unknownHost: status = 421
        case .malformed(let given, _): status = given
        case .tooLarge, .formTooLarge: status = 413
        case .formGone: status = 410
        case .upstreamUnreachable, .upstreamBroken: status = 502
        case .upstreamTimedOut: status = 504
        case .storeDown: status = 503
        case .loop: status = 508
        }
        return OwnResponse(status: status, body: Array("\(refusal)".utf8))
    }
}

/// A session for tests, and the cookie that opens it.
enum Sample {
    static let cookie = String(repeating: "A", count: 43)

    static func record(sid: String = "s1", account: String = "zhangsan", now: WallTime) -> SessionRecord {
        SessionRecord(
            sid: sid, member: Member(connection: "corp", corp: "ww1", user: account, account: account), authTime: now, amr: ["wecom"], created: now,
            lastSeen: now, expires: now.advanced(by: .seconds(3600)), checked: now, address: "127.0.0.1", userAgent: "")
    }
}
