import EventLoop
import HTTP
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(5))) struct ForwardingTests {
    @Test func aRequestReachesTheUpstreamAndItsAnswerTheClient() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/a%2Fb?x=1", "X-Forwarded-For: 10.0.0.1", "X_Menwei_Assertion: forged", "Accept: */*")
        let upstream = try #require(gateway.upstream.accept())
        let request = upstream.message()
        #expect(request.head.hasPrefix("GET /open/a%2Fb?x=1 HTTP/1.1\r\nHost: wiki.test\r\n"))
        #expect(request.field("X-Forwarded-For") == "127.0.0.1" && request.field("X-Forwarded-Proto") == "https")
        #expect(request.field("X-Menwei-Assertion") == nil && request.field("X_Menwei_Assertion") == nil)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\nConnection: x-y\r\nX-Y: 1\r\nSet-Cookie: __Host-menwei=evil\r\n\r\nhello")
        let answer = client.message()
        #expect(answer.status == 200 && answer.text == "hello")
        #expect(answer.field("X-Request-Id") == request.field("X-Request-Id") && answer.field("Date") != nil)
        #expect(answer.field("X-Y") == nil && answer.field("Set-Cookie") == nil && answer.field("Server") == "x")
    }

    @Test func aKeptConnectionServesTheNextRequest() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        for number in 1...3 {
            #expect(upstream.message().head.hasPrefix("GET /open/\(number) "))
            upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(number)")
            #expect(client.message().text == "\(number)")
            if number < 3 { client.ask("GET", "/open/\(number + 1)") }
        }
    }

    @Test(arguments: ["GET", "POST"])
    func aKeptConnectionThatTheUpstreamClosedIsNotUsed(_ method: String) throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        var upstream = gateway.upstream.accept()
        _ = upstream?.message()
        upstream?.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(client.message().status == 200)
        upstream = nil
        client.ask(method, "/open/2", body: method == "POST" ? "body" : "")
        let next = try #require(gateway.upstream.accept())
        let request = next.message()
        #expect(request.head.hasPrefix("\(method) /open/2 ") && request.text == (method == "POST" ? "body" : ""))
        next.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(client.message().text == "ok")
    }

    @Test func aKeptConnectionThatEndsAfterTheRequestWentOutIsReplacedOnce() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        var upstream = gateway.upstream.accept()
        _ = upstream?.message()
        upstream?.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(client.message().status == 200)
        client.ask("GET", "/open/2")
        #expect(upstream?.message().head.hasPrefix("GET /open/2") == true)
        upstream = nil
        var again = gateway.upstream.accept()
        #expect(again?.message().head.hasPrefix("GET /open/2") == true)
        again = nil
        #expect(client.message().status == 502)
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.send("GET /open/1 HTTP/1.1\r\nHost: wiki.test\r\n\r\nPOST /open/2 HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 3\r\n\r\nabcGET /.menwei/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
        let upstream = try #require(gateway.upstream.accept())
        #expect(upstream.message().head.hasPrefix("GET /open/1 "))
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
        let second = upstream.message()
        #expect(second.head.hasPrefix("POST /open/2 ") && second.text == "abc")
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo")
        #expect(client.message().text == "one")
        #expect(client.message().text == "two")
        #expect(client.message().text == "own GET /.menwei/x 0")
    }

    @Test(arguments: [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", 200, "99"), ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "7"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, nil), ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, nil),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "0"),
    ])
    func answersWithoutABodyAreFramedAsSuch(_ method: String, _ answer: String, _ status: Int, _ length: String?) throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask(method, "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send(answer)
        let message = client.message(bodiless: true)
        #expect(message.status == status && message.field("Content-Length") == length && message.field("Transfer-Encoding") == nil)
        // What comes next on the connection is the next answer.
        client.ask("GET", "/.menwei/y")
        #expect(client.message().text == "own GET /.menwei/y 0")
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nabcde", "HTTP/1.0 200 OK\r\n\r\nabcde"])
    func anAnswerOfUnknownLengthGoesChunkedOrEndsWithTheConnection(_ answer: String) throws {
        for version in ["1.1", "1.0"] {
            let gateway = try TestGateway()
            let client = gateway.client()
            client.ask("GET", "/open/1", version: version)
            var upstream = gateway.upstream.accept()
            _ = upstream?.message()
            upstream?.send(answer)
            upstream = nil
            if version == "1.1" {
                let message = client.message()
                #expect(message.field("Transfer-Encoding") == "chunked" && message.text == "abcde")
            } else {
                let text = client.readToEnd()
                #expect(!text.contains("chunked") && text.hasSuffix("\r\n\r\nabcde"))
            }
        }
    }

    @Test func trailersThatSetCookiesOrNameUsAreDropped() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nSet-Cookie: __Host-menwei=a\r\nX-Menwei-Y: 1\r\n\r\n")
        let message = client.message()
        #expect(message.field("X-Sum") == "1" && message.field("Set-Cookie") == nil && message.field("X-Menwei-Y") == nil)
    }

    @Test(arguments: [
        "", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", String(repeating: "HTTP/1.1 103 Early\r\n\r\n", count: 40), "HTTP/1.1 200 OK\r\nConten",
    ])
    func anAnswerThatIsNoneBecomes502(_ answer: String) throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        var upstream = gateway.upstream.accept()
        _ = upstream?.message()
        upstream?.send(answer)
        upstream = nil
        var message = client.message()
        while message.status == 103 { message = client.message() }
        #expect(message.status == 502)
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"])
    func anAnswerThatIsCutOffIsSeenToBe(_ answer: String) throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        var upstream = gateway.upstream.accept()
        _ = upstream?.message()
        upstream?.send(answer)
        upstream = nil
        let text = client.readToEnd()
        #expect(client.ended && !text.hasSuffix("0\r\n\r\n"))
        #expect(gateway.eventually { $0.server.connectionCount == 0 })
    }

    @Test func bytesBehindAnAnswerAreNobodysAnswer() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        #expect(client.message().text == "ok")
        client.ask("GET", "/open/2")
        let next = try #require(gateway.upstream.accept())
        _ = next.message()
        next.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
        #expect(client.message().text == "good")
    }

    @Test func anAnswerThatContradictsItselfIs502AndNotACutOff() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send("HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok")
        #expect(client.message().status == 502)
    }

    @Test func anOwnAnswerThatDoesNotComeIs503() throws {
        var limits = ServerLimits()
        limits.ownAnswer = .milliseconds(1500)
        let gateway = try TestGateway(limits: limits)
        let client = gateway.client()
        client.ask("GET", "/.menwei/never")
        #expect(client.message().status == 503)
        client.ask("GET", "/.menwei/me")
        #expect(client.message().status == 200)
    }

    @Test func anUpstreamThatIsNotThereIs502() throws {
        let port = Listener().port
        let gateway = try TestGateway { $0.upstreams = [UpstreamAddress(host: "127.0.0.1", port: port, text: "x")] }
        let client = gateway.client()
        client.ask("GET", "/open/1")
        #expect(client.message().status == 502)
    }

    @Test func ofANameWithSeveralAddressesTheOneThatAnswersServes() throws {
        let upstream = Listener()
        let port = upstream.port
        // On most machines it is ::1 and 127.0.0.1; the listener has only one of them.
        let gateway = try TestGateway { $0.upstreams = [UpstreamAddress(host: "localhost", port: port, text: "x")] }
        for number in 1...4 {
            let client = gateway.client()
            client.ask("GET", "/open/\(number)")
            let served = try #require(upstream.accept())
            #expect(served.message().head.hasPrefix("GET /open/\(number) "))
            served.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            #expect(client.message().text == "ok")
        }
    }

    @Test func anUpstreamThatDoesNotAnswerInTimeIs504() throws {
        let gateway = try TestGateway { $0.timeouts.response = .milliseconds(50) }
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        #expect(client.message().status == 504)
        _ = upstream.message()
        #expect(!upstream.fill())
    }
}
