import Access
import Bytes
import Synchronization
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(5))) struct SessionTests {
    /// Answers the next request that reaches `upstream`, and hands back what it was.
    private func serve(_ upstream: Socket) -> Message {
        let request = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return request
    }

    @Test func aMemberIsIdentifiedOnceAndTheSameWayForAWhile() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/page", "X-Menwei-Assertion: forged", "x_forwarded_user: root", "Connection: x-menwei-assertion", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        let first = serve(upstream)
        #expect(first.head.lowercased().components(of: "x-menwei-assertion:") == 1)
        #expect(first.field("X-Forwarded-User") == "zhangsan" && first.field("x_forwarded_user") == nil)
        #expect(first.field("Cookie") == "a=b; c=d")
        #expect(client.message().status == 200)
        client.ask("GET", "/page", cookie: true)
        let second = serve(upstream)
        #expect(client.message().status == 200)
        #expect(second.field("X-Menwei-Assertion") == first.field("X-Menwei-Assertion"))
        // The store was asked once.
        #expect(gateway.store.state.withLock { $0.lookups } == 1)
    }

    @Test func nobodyIsIdentifiedOnAnOpenPathAndNobodyGetsIntoAnother() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/x", "X-Forwarded-User: root", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        let request = serve(upstream)
        #expect(request.field("X-Forwarded-User") == nil && request.field("X-Menwei-Assertion") == nil)
        #expect(client.message().status == 200)
        client.ask("GET", "/page", cookie: true)
        #expect(client.message().status == 401)
        // A cookie that opens nothing is remembered for a moment.
        #expect(gateway.store.state.withLock { $0.lookups } == 1)
    }

    @Test func aRuleForOthersIs403() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/admin/x", cookie: true)
        let answer = client.message()
        #expect(answer.status == 403 && answer.text.contains("/admin/*"))
        #expect(gateway.record().contains("\"denied\""))
    }

    @Test func aSessionThatEndsIsForgottenAndItsAnswersAreCutOff() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/page", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        #expect(client.take(through: "\r\n\r\nabc").hasSuffix("abc"))
        gateway.store.state.withLock { $0.sessions = [:] }
        gateway.tell(.ended(sids: ["s1"]))
        #expect(client.readToEnd() == "")
        #expect(upstream.readToEnd() == "")
        let again = gateway.client()
        again.ask("GET", "/page", cookie: true)
        #expect(again.message().status == 401)
    }

    @Test func whatAChangedMemberMayNotHaveAnyMoreIsCutOffAndTheRestGoesOn() throws {
        let gateway = try TestGateway()
        gateway.signIn(account: "root")
        let (allowed, forbidden) = (gateway.client(), gateway.client())
        var upstreams: [Socket] = []
        for (client, path) in [(allowed, "/page"), (forbidden, "/admin/x")] {
            client.ask("GET", path, cookie: true)
            let upstream = try #require(gateway.upstream.accept())
            _ = upstream.message()
            upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
            #expect(client.take(through: "\r\n\r\nabc").hasSuffix("abc"))
            upstreams.append(upstream)
        }
        // The store does not answer at first: the question is not forgotten.
        gateway.store.state.withLock { $0.isDown = true }
        gateway.tell(.changed(sids: ["s1"]))
        gateway.signIn(account: "zhangsan")
        gateway.store.state.withLock { $0.isDown = false }
        #expect(forbidden.readToEnd() == "")
        upstreams[0].send("def")
        #expect(allowed.take(through: "def") == "def")
    }

    @Test func aSessionThatChangedIsLookedUpAgainAndIdentifiedAnew() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/page", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        #expect(serve(upstream).field("X-Forwarded-User") == "zhangsan")
        _ = client.message()
        gateway.signIn(account: "lisi")
        gateway.tell(.changed(sids: ["s1"]))
        client.ask("GET", "/page", cookie: true)
        #expect(serve(upstream).field("X-Forwarded-User") == "lisi")
        #expect(gateway.store.state.withLock { $0.lookups } == 2)
    }

    @Test func whileTheStoreIsDownNoCookieOpensAnything() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/page", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        _ = serve(upstream)
        _ = client.message()
        // Known or not: the end of the session could not be heard.
        gateway.health.isDown = true
        client.ask("GET", "/page", cookie: true)
        #expect(client.message().status == 503)
        client.ask("GET", "/open/x", cookie: true)
        let open = serve(upstream)
        #expect(open.field("X-Menwei-Assertion") == nil)
        #expect(client.message().status == 200)
        gateway.health.isDown = false
        client.ask("GET", "/page", cookie: true)
        #expect(serve(upstream).field("X-Menwei-Assertion") != nil)
        #expect(client.message().status == 200)
    }

    @Test func aStoreThatFailsWhenAskedIs503ForMembersOnly() throws {
        let gateway = try TestGateway()
        gateway.store.state.withLock { $0.isDown = true }
        let client = gateway.client()
        client.ask("GET", "/page", cookie: true)
        #expect(client.message().status == 503)
        client.ask("GET", "/open/x", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        _ = serve(upstream)
        #expect(client.message().status == 200)
        client.ask("GET", "/page")
        #expect(client.message().status == 401)
    }

    @Test func manyWhoWaitForOneCookieCostOneLookup() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let clients = (0..<10).map { _ in gateway.client() }
        for client in clients { client.ask("GET", "/admin/x", cookie: true) }
        for client in clients { #expect(client.message().status == 403) }
        #expect(gateway.store.state.withLock { $0.lookups } <= 2)
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { split(separator: "\r\n").filter { $0.hasPrefix(part) }.count }
}

@Suite(.timeLimit(.minutes(5))) struct WebSocketTests {
    private static let handshake = [
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]

    /// A WebSocket of a member, open on both sides.
    private func open(_ gateway: TestGateway) throws -> (client: Socket, upstream: Socket) {
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/socket", Self.handshake[0], Self.handshake[1], Self.handshake[2], Self.handshake[3], cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        let request = upstream.message()
        #expect(request.field("Upgrade") == "websocket" && request.field("Connection") == "Upgrade")
        upstream.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\n")
        let answer = client.message()
        #expect(answer.status == 101 && answer.field("Upgrade") == "websocket" && answer.field("Content-Length") == nil)
        return (client, upstream)
    }

    @Test func bytesPassBothWaysAndTheEndIsPassedOn() throws {
        let gateway = try TestGateway()
        let (client, upstream) = try open(gateway)
        client.send([0x82, 0x81, 1, 2, 3, 4, 5])
        #expect(upstream.take(7) == [0x82, 0x81, 1, 2, 3, 4, 5])
        upstream.send([0x82, 1, 9])
        #expect(client.take(3) == [0x82, 1, 9])
        client.shutdownWrite()
        #expect(!upstream.fill())
        upstream.send([0x88, 0])
        #expect(client.take(2) == [0x88, 0])
        upstream.shutdownWrite()
        #expect(!client.fill())
        #expect(gateway.eventually { $0.server.connectionCount == 0 })
    }

    @Test func aSessionThatEndsClosesItBetweenTwoFrames() throws {
        let gateway = try TestGateway()
        let (client, upstream) = try open(gateway)
        upstream.send([0x82, 4, 1, 2])
        #expect(client.take(4) == [0x82, 4, 1, 2])
        gateway.tell(.ended(sids: ["s1"]))
        upstream.send([3, 4, 0x82, 1, 9])
        #expect(client.take(100) == [3, 4, 0x88, 2, 0x03, 0xF0])
        #expect(!upstream.fill())
    }

    @Test func aFrameThatNeverEndsDoesNotKeepADeadSessionAlive() throws {
        let gateway = try TestGateway()
        let (client, upstream) = try open(gateway)
        upstream.send([0x82, 126, 0xFF, 0xFF, 1])
        #expect(client.take(5).count == 5)
        gateway.tell(.ended(sids: ["s1"]))
        #expect(client.take(1).isEmpty)
        #expect(!upstream.fill())
    }

    @Test func aForeignOriginIsRefused() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/socket", Self.handshake[0], Self.handshake[1], Self.handshake[2], Self.handshake[3], "Origin: https://evil.test", cookie: true)
        #expect(client.message().status == 403)
    }

    @Test func aRefusedHandshakeLeavesTheConnectionInHTTP() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        client.ask("GET", "/socket", Self.handshake[0], Self.handshake[1], Self.handshake[2], Self.handshake[3], cookie: true)
        client.ask("GET", "/admin/x", cookie: true)
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
        #expect(client.message().status == 426)
        #expect(client.message().status == 403)
    }

    @Test func aDrainSaysGoodbye() throws {
        let gateway = try TestGateway()
        let (client, upstream) = try open(gateway)
        gateway.onLoop { $0.server.drain {} }
        #expect(client.take(100) == [0x88, 2, 0x03, 0xE9])
        #expect(!upstream.fill())
    }
}
