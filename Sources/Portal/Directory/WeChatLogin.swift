public import Outbound
public import WeCom

/// Asks WeChat who somebody is: two calls with one code. There is no directory behind it, and no token outlives a login.
public final class WeChatLogin: IdentityProvider {
    private let wechat: WeChatProtocol
    private let client: APIClient
    private let surroundings: Directory.Surroundings

    public init(_ app: WeChatApp, caller: any HTTPCaller, surroundings: Directory.Surroundings = Directory.Surroundings()) {
        wechat = WeChatProtocol(app)
        client = APIClient(caller: caller, onCall: surroundings.onCall)
        self.surroundings = surroundings
    }

    public func identify(code: String) async throws(WeComError) -> Identity {
        let wechat = wechat
        let grant = try await ask(wechat.exchange(code: code)) { (answer) throws(WeComError) in try wechat.readExchange(answer) }
        return .known(try await ask(wechat.person(grant)) { (answer) throws(WeComError) in try wechat.readPerson(answer, grant) })
    }

    /// WeChat has no directory. Nobody asks, and who does learns nothing.
    public func member(userid: String) async throws(WeComError) -> DirectoryMember {
        throw WeComError(api: "sns/userinfo", kind: .bug)
    }

    /// Once more where WeChat is busy; after everything else the code may be spent.
    private func ask<Value>(_ call: APICall, _ read: (APIAnswer) throws(WeComError) -> Value) async throws(WeComError) -> Value {
        var retry = CallRetry()
        while true {
            do {
                return try await client.make(call, read)
            } catch {
                guard case .pause(let duration) = retry.next(after: error) else { throw error }
                await surroundings.pause(duration)
            }
        }
    }
}
