import Access
import EventLoop
import Synchronization
import Telemetry
import Testing

@testable import Proxy

private let everyone = [Rule(path: .any, pattern: "*", methods: [], allow: .anyone, source: "test:1")]
private let root = [Rule(path: .any, pattern: "*", methods: [], allow: .users(["root"]), source: "test:1")]

/// Holds the replaced gateway as weakly as a test wants it. Looked at on the loop alone.
private final class Replaced {
    weak var gateway: Gateway?
}

@Suite(.timeLimit(.minutes(5))) struct ReloadTests {
    @Test func whatIsUnderWayEndsAsItBeganAndTheNextRequestGoesByTheNewRules() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        let replaced = gateway.onLoop { worker in
            let replaced = Replaced()
            replaced.gateway = worker.reload(everyone)
            return LoopBound(replaced)
        }
        let isThere = gateway.onLoop { _ in replaced.value.gateway != nil }
        #expect(isThere)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(client.message().text == "ok")
        // With its last exchange the old gateway goes, its counters stay, and its connection to the upstream is closed.
        let isGone = gateway.eventually { _ in replaced.value.gateway == nil }
        #expect(isGone)
        let metrics = gateway.metrics.render()
        #expect(metrics.contains("menwei_requests_total{site=\"wiki\",code=\"200\",decision=\"anyone\"} 1"))
        #expect(!upstream.fill())
        client.ask("GET", "/admin/1")
        let next = try #require(gateway.upstream.accept())
        _ = next.message()
        next.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nnw")
        #expect(client.message().text == "nw")
    }

    @Test func whatWaitsForTheStoreIsJudgedByTheNewRules() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        gateway.store.state.withLock { $0.holds = true }
        let client = gateway.client()
        client.ask("GET", "/x", cookie: true)
        let store = gateway.store
        let isAsked = gateway.eventually { _ in store.state.withLock { !$0.held.isEmpty } }
        #expect(isAsked)
        gateway.onLoop { _ = $0.reload(root) }
        gateway.store.answerAll()
        #expect(client.message().status == 403)
    }

    @Test func whatTheNewRulesRefuseEnds() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/x", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        #expect(client.take(through: "hello").contains("200"))
        gateway.onLoop { _ = $0.reload(everyone) }
        upstream.send("5\r\nstill\r\n")
        #expect(!client.take(through: "still").isEmpty)
        gateway.onLoop { _ = $0.reload(root) }
        #expect(!client.readToEnd().contains("0\r\n\r\n"))
    }

    @Test func identityHeadersAreMadeAnewAfterAReload() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        func assertion() throws -> String? {
            client.ask("GET", "/x", cookie: true)
            let upstream = try #require(gateway.upstream.accept())
            let request = upstream.message()
            upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            #expect(client.message().status == 200)
            return request.field("X-Menwei-Assertion")
        }
        let first = try assertion()
        #expect(try assertion() == first)
        gateway.onLoop { _ = $0.reload([]) }
        let second = try assertion()
        #expect(second != nil && second != first)
    }
}
