import EventLoop
import HTTP
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(5))) struct BodyTests {
    @Test func aChunkedBodyArrivesWhole() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send("POST /open/1 HTTP/1.1\r\nHost: wiki.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Menwei-A\r\n\r\n3\r\nabc\r\n")
        let upstream = try #require(gateway.upstream.accept())
        #expect(upstream.take(through: "\r\n\r\n").contains("Transfer-Encoding: chunked\r\n"))
        #expect(upstream.take(through: "abc\r\n") == "3\r\nabc\r\n")
        client.send("2\r\nde\r\n0\r\nX-Menwei-A: forged\r\n\r\n")
        #expect(upstream.take(through: "0\r\n\r\n") == "2\r\nde\r\n0\r\n\r\n")
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(client.message().status == 200)
    }

    @Test func theClientIsToldToGoOnOnceTheUpstreamIsThere() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send("POST /open/1 HTTP/1.1\r\nHost: wiki.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        #expect(client.message().status == 100)
        client.send("body")
        let upstream = try #require(gateway.upstream.accept())
        let request = upstream.message()
        #expect(request.text == "body" && request.field("Expect") == nil)
        upstream.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(client.message().status == 200)
    }

    @Test func whoeverAwaitsContinueAndIsRefusedIsNotReadOn() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send("POST /private HTTP/1.1\r\nHost: wiki.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        let answer = client.message()
        #expect(answer.status == 401 && answer.field("Connection") == "close")
    }

    @Test(arguments: ["Content-Length: 200000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186A0\r\n"])
    func aBodyBeyondTheLimitIs413(_ head: String) throws {
        let gateway = try TestGateway { $0.requestBodyLimit = 50_000 }
        let client = gateway.client()
        client.send("POST /open/1 HTTP/1.1\r\nHost: wiki.test\r\n" + head)
        client.send([UInt8](repeating: 0x61, count: 100_000))
        #expect(client.message().status == 413)
    }

    @Test func aRefusedBodyIsDrainedAndTheNextRequestServed() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("POST", "/private", body: String(repeating: "GET /open/evil HTTP/1.1\r\n\r\n", count: 100))
        #expect(client.message().status == 401)
        client.ask("GET", "/.menwei/x")
        #expect(client.message().text == "own GET /.menwei/x 0")
    }

    @Test func aRefusedBodyThatIsTooLongToDrainEndsTheConnection() throws {
        // Bytes that come all the time are put up with for so long, which is half a minute otherwise.
        var limits = ServerLimits()
        limits.lingerTotal = .seconds(3)
        let gateway = try TestGateway(limits: limits)
        let client = gateway.client()
        client.send("POST /private HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 10000000\r\n\r\n")
        #expect(client.message().status == 401)
        while client.send([UInt8](repeating: 0x61, count: 1 << 20)) {}
        #expect(gateway.eventually { $0.server.connectionCount == 0 })
    }

    @Test func anAnswerThatWasGivenBeforeTheBodyBrokeStillArrives() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send("POST /private HTTP/1.1\r\nHost: wiki.test\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n")
        #expect(client.message().status == 401)
        #expect(client.readToEnd() == "")
    }

    @Test func anUpstreamMayAnswerBeforeTheBodyIsWhole() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send("POST /open/1 HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 10\r\n\r\nabc")
        let upstream = try #require(gateway.upstream.accept())
        #expect(upstream.take(through: "\r\n\r\nabc").hasSuffix("abc"))
        upstream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        #expect(client.message().text == "no")
        // A connection with half a request on it is not used again, the client's is.
        #expect(!upstream.fill())
        client.send("defghij")
        client.ask("GET", "/.menwei/x")
        #expect(client.message().text == "own GET /.menwei/x 0")
    }

    @Test func aBrokenBodyNeverLooksWholeToTheUpstream() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send("POST /open/1 HTTP/1.1\r\nHost: wiki.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.take(through: "\r\n3\r\nabc\r\n")
        client.send("xyz\r\n")
        #expect(client.message().status == 400)
        #expect(upstream.readToEnd() == "")
    }

    @Test func aClientThatGoesAwayInTheMiddleOfItsBodyTakesTheUpstreamWithIt() throws {
        let gateway = try TestGateway()
        var client: Socket? = gateway.client()
        client?.send("POST /open/1 HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 10\r\n\r\nabc")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.take(through: "\r\n\r\nabc")
        client = nil
        #expect(upstream.readToEnd() == "")
        #expect(gateway.eventually { $0.server.connectionCount == 0 })
    }

    @Test func aSlowReaderHoldsTheUpstreamBackAndGetsEverything() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        let total = 24 << 20
        let sent = Channel<Bool>()
        let bound = Unchecked(upstream)
        try NamedThread.start("upstream") {
            bound.value.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            sent.put(bound.value.send([UInt8](repeating: 0x61, count: total)))
        }
        #expect(client.take(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        var left = total
        while left > 0 {
            let count = client.take(min(left, 300_000)).count
            if count == 0 { break }
            left -= count
        }
        #expect(left == 0)
        #expect(sent.take())
    }

    @Test func aSlowUpstreamHoldsTheClientBackAndGetsEverything() throws {
        let gateway = try TestGateway { $0.requestBodyLimit = 0 }
        let client = gateway.client()
        let total = 24 << 20
        let sent = Channel<Bool>()
        let bound = Unchecked(client)
        try NamedThread.start("client") {
            bound.value.send("POST /open/1 HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: \(total)\r\n\r\n")
            sent.put(bound.value.send([UInt8](repeating: 0x61, count: total)))
        }
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.take(through: "\r\n\r\n")
        var left = total
        while left > 0 {
            let count = upstream.take(min(left, 300_000)).count
            if count == 0 { break }
            left -= count
        }
        #expect(left == 0)
        #expect(sent.take())
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(client.message().status == 200)
    }

    @Test func clientsThatResetInTheMiddleOfAnAnswerHarmNobody() throws {
        let gateway = try TestGateway()
        for round in 0..<20 {
            var client: Socket? = gateway.client()
            client?.ask("GET", "/open/\(round)")
            let upstream = try #require(gateway.upstream.accept())
            _ = upstream.message()
            upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            _ = client?.take(through: "\r\n\r\n")
            client?.reset()
            client = nil
            let chunk = Array("8000\r\n".utf8) + [UInt8](repeating: 0x61, count: 0x8000) + Array("\r\n".utf8)
            // Until the gateway has noticed and closed.
            while upstream.send(chunk) {}
        }
        #expect(gateway.eventually { $0.server.connectionCount == 0 })
        let client = gateway.client()
        client.ask("GET", "/.menwei/x")
        #expect(client.message().status == 200)
    }
}

/// A value that only one thread at a time uses, as the test sees to.
struct Unchecked<T>: @unchecked Sendable {
    let value: T
    init(_ value: T) { self.value = value }
}
