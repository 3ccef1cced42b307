import Outbound
import WeCom

/// Makes the calls that a protocol asks for, and tells of each.
struct APIClient: Sendable {
    let caller: any HTTPCaller
    /// Told of every call that was made: its path and `errcode`, nil where there was no readable answer.
    let onCall: @Sendable (_ api: String, _ errcode: Int?) -> Void

    func make<Value>(_ call: APICall, _ read: (APIAnswer) throws(WeComError) -> Value) async throws(WeComError) -> Value {
        do {
            let value = try read(try await send(call))
            onCall(call.api, 0)
            return value
        } catch {
            onCall(call.api, error.errcode)
            throw error
        }
    }

    private func send(_ call: APICall) async throws(WeComError) -> APIAnswer {
        let method: OutboundRequest.Method =
            switch call.method {
            case .get: .get
            case .post: .post
            }
        do {
            let response = try await caller.call(OutboundRequest(method: method, url: call.url, body: call.body ?? [], timeout: call.timeout))
            return APIAnswer(status: response.status, body: response.body)
        } catch {
            let kind: WeComError.Kind =
                switch error.reason {
                case .timeout, .unreachable, .tls, .aborted: .unreachable
                case .tooLarge, .malformed: .badAnswer
                case .badRequest: .config
                case .overloaded: .transient
                }
            throw WeComError(api: call.api, kind: kind, transport: error.reason.rawValue, code: error.code)
        }
    }
}
