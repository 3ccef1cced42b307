import EventLoop
import HTTP
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", 421), ("TRACE / HTTP/1.1\r\nHost: wiki.test\r\n\r\n", 405),
        ("CONNECT wiki.test:443 HTTP/1.1\r\nHost: wiki.test\r\n\r\n", 405), ("GET /a/../b HTTP/1.1\r\nHost: wiki.test\r\n\r\n", 400),
        ("GET /%2e%2e/b HTTP/1.1\r\nHost: wiki.test\r\n\r\n", 400), ("GET / HTTP/3.0\r\nHost: wiki.test\r\n\r\n", 505), ("\u{16}\u{3}\u{1}garbage\r\n\r\n", 400),
        ("POST /open HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET /\(String(repeating: "a", count: 17000)) HTTP/1.1\r\nHost: wiki.test\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: wiki.test\r\nX: \(String(repeating: "a", count: 33000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: wiki.test\r\nConnection: content-length\r\n\r\n", 400), ("OPTIONS * HTTP/1.1\r\nHost: wiki.test\r\n\r\n", 204),
    ])
    func whatIsNotForTheUpstreamIsAnsweredHere(_ request: String, _ status: Int) throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send(request)
        let answer = client.message()
        #expect(answer.status == status && answer.field("X-Request-Id")?.count == 32)
        if status == 400 { #expect(client.readToEnd() == "" && client.ended) }
    }

    @Test func aHeadThatDoesNotComeIs408AndSilenceIsJustClosed() throws {
        // Each of them alone: before its first byte even the slow one is silent.
        var limits = ServerLimits()
        limits.head = .milliseconds(1500)
        let hurried = try TestGateway(limits: limits), slow = hurried.client()
        slow.send("GET / HT")
        #expect(slow.message().status == 408)
        limits = ServerLimits()
        limits.keepAlive = .milliseconds(40)
        let brief = try TestGateway(limits: limits)
        #expect(brief.client().readToEnd() == "")
    }

    @Test func aBodyThatDripsIs408() throws {
        var limits = ServerLimits()
        limits.stall = .milliseconds(60)
        let gateway = try TestGateway(limits: limits)
        let client = gateway.client()
        client.send("POST /open/x HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 100000\r\n\r\n")
        let upstream = try #require(gateway.upstream.accept())
        // A byte at a time, as fast as the upstream gets it: never silent, never done.
        _ = upstream.take(through: "\r\n\r\n")
        for _ in 0..<200 {
            client.send("x")
            if upstream.take(1).isEmpty { break }
        }
        #expect(client.message().status == 408)
        while upstream.fill() {}
    }

    @Test func aClientThatOnlyShutItsSideGetsItsAnswer() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/x")
        client.shutdownWrite()
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let text = client.readToEnd()
        #expect(text.hasSuffix("\r\n\r\nok") && text.contains("Connection: close"))
    }

    @Test func aQuietStreamIsNotKeptForAClientThatSendsNoMore() throws {
        var limits = ServerLimits()
        limits.head = .milliseconds(1500)
        let gateway = try TestGateway(limits: limits)
        let client = gateway.client()
        client.ask("GET", "/open/x")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        _ = client.take(through: "ok\r\n")
        client.shutdownWrite()
        #expect(upstream.readToEnd() == "" && upstream.ended)
    }

    @Test(arguments: [("1.0", "", "close"), ("1.0", "Connection: keep-alive", "keep-alive"), ("1.1", "", nil), ("1.1", "Connection: close", "close")])
    func theConnectionIsKeptWhereBothWant(_ version: String, _ field: String, _ said: String?) throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/.menwei/a", field.isEmpty ? "X: y" : field, version: version)
        let answer = client.message()
        #expect(answer.text == "own GET /.menwei/a 0" && answer.field("Connection") == said)
        client.ask("GET", "/.menwei/b", version: version)
        #expect(client.message().status == (said == "close" ? 0 : 200))
    }

    @Test func noAnswerOfOurOwnHasALineThatSomebodyElseWrote() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/.menwei/a?split")
        let answer = client.message()
        #expect(answer.status == 500 && answer.field("X-Evil") == nil && answer.field("Location") == nil)
    }

    @Test func aDrainLetsRequestsFinishAndTakesNobodyNew() throws {
        let gateway = try TestGateway()
        let busy = gateway.client(), idle = gateway.client()
        idle.ask("GET", "/.menwei/a")
        #expect(idle.message().status == 200)
        busy.ask("GET", "/open/x")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        let drained = Channel<Bool>()
        gateway.onLoop { worker in worker.server.drain { drained.put(true) } }
        #expect(idle.readToEnd() == "")
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let answer = busy.message()
        #expect(answer.text == "ok" && answer.field("Connection") == "close")
        _ = busy.readToEnd()
        #expect(drained.take())
    }

    @Test func aRequestLeavesOneRecordWithoutItsQuery() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("POST", "/.menwei/a?secret=1", body: "abc")
        #expect(client.message().status == 200)
        let record = gateway.record()
        #expect(record.contains("\"path\":\"/.menwei/a\"") && record.contains("\"status\":200") && record.contains("\"bytes_in\":3"))
        #expect(!record.contains("secret"))
    }
}
