import Access
import Bytes
import CLinux
import Proxy
import Storage
import Synchronization
import Telemetry

/// How the process stands, for `/readyz`. Set by the main thread, read by the operations listener.
final class ProcessState: Sendable {
    enum Phase: String { case starting, ready, draining, failing }
    private let state = Mutex(Phase.starting)

    var phase: Phase {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// The operations listener: `/healthz`, `/readyz`, `/metrics`. Never on the public listeners.
final class OperationsResponder: Responder {
    private let state: ProcessState
    private let store: StoreProbe
    private let metrics: Metrics

    init(state: ProcessState, store: any SessionStore, metrics: Metrics) {
        self.state = state
        self.store = StoreProbe(store)
        self.metrics = metrics
    }

    func respond(to request: OwnRequest) async -> OwnResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return OwnResponse(status: 405, fields: [("Allow", "GET, HEAD")])
        }
        switch request.path {
        case "/healthz": return Self.text(200, "ok\n")
        case "/readyz": return await ready()
        case "/metrics": return Self.text(200, metrics.render(), type: Metrics.contentType)
        default: return Self.text(404, "404\n")
        }
    }

    private func ready() async -> OwnResponse {
        var phase = state.phase
        let storeIsFine = await store.isFine()
        if !storeIsFine, phase == .ready { phase = .failing }
        let body = #"{"status":"\#(phase.rawValue)","listeners":"\#(phase == .starting ? "starting" : "ok")","store":"\#(storeIsFine ? "ok" : "failing")","keys":"ok"}"#
        return Self.text(phase == .ready ? 200 : 503, body + "\n", type: "application/json")
    }

    private static func text(_ status: Int, _ body: String, type: String = "text/plain; charset=utf-8") -> OwnResponse {
        OwnResponse(status: status, fields: [("Content-Type", type), ("Cache-Control", "no-store")], body: Array(body.utf8))
    }
}
