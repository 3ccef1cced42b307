import Bytes
import EventLoop
import Glibc
import Testing

@testable import Proxy

/// Upstreams that log in connections (NTLM, Negotiate), through a gateway on real sockets. The test is client and upstream: it sees which connection serves whom.
@Suite(.timeLimit(.minutes(5))) struct BoundConnectionTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    private static let asks = answer("WWW-Authenticate: NTLM")
    private static let challenges = answer("WWW-Authenticate: NTLM TlRMTVNTUAACAAAA")
    private static let begins = "Authorization: NTLM TlRMTVNTUAABAAAA"
    private static let proves = "Authorization: NTLM TlRMTVNTUAADAAAA"

    private static func answer(_ field: String) -> String { "HTTP/1.1 401 Unauthorized\r\n\(field)\r\nContent-Length: 0\r\n\r\n" }

    /// A connection to the upstream that is bound to `client`, and logged in.
    private static func logIn(_ client: Socket, _ gateway: TestGateway, at listener: Listener? = nil, cookie: Bool = false) throws -> Socket {
        client.ask("GET", "/open/1", cookie: cookie)
        let upstream = try #require((listener ?? gateway.upstream).accept())
        for (field, answer, status) in [("", asks, 401), (begins, challenges, 401), (proves, ok, 200)] {
            if !field.isEmpty { client.ask("GET", "/open/1", field, cookie: cookie) }
            #expect(upstream.message().field("Authorization") == (field.isEmpty ? nil : String(field.dropFirst("Authorization: ".count))))
            upstream.send(answer)
            #expect(client.message().status == status)
        }
        return upstream
    }

    /// Nobody has connected to it.
    private static func isQuiet(_ listener: Listener) -> Bool {
        var waiting = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) == 0
    }

    /// One request of `client` is served over `upstream`.
    private static func serves(_ upstream: Socket, _ client: Socket, _ method: String = "GET", cookie: Bool = false) -> Bool {
        client.ask(method, "/open/2", cookie: cookie)
        guard upstream.message().head.hasPrefix("\(method) /open/2 ") else { return false }
        upstream.send(ok)
        return client.message().text == "ok"
    }

    @Test func allOfALoginAndWhatFollowsGoesOverOneConnectionAndNobodyElseGetsIt() throws {
        let gateway = try TestGateway()
        let client = gateway.client(), other = gateway.client()
        let upstream = try Self.logIn(client, gateway)
        #expect(Self.serves(upstream, client) && Self.serves(upstream, client, "POST"))
        other.ask("GET", "/open/2")
        let ordinary = try #require(gateway.upstream.accept())
        _ = ordinary.message()
        ordinary.send(Self.ok)
        #expect(other.message().text == "ok")
        // Though an ordinary one waits in the pool.
        #expect(Self.serves(upstream, client) && Self.serves(ordinary, other))
    }

    @Test func itEndsWithTheClientConnection() throws {
        let gateway = try TestGateway()
        var client: Socket? = gateway.client()
        let upstream = try Self.logIn(#require(client), gateway)
        client = nil
        #expect(upstream.readToEnd() == "" && upstream.ended)
        #expect(gateway.eventually { $0.server.connectionCount == 0 })
    }

    @Test func itEndsWithTheLastAnswerOfTheClientConnection() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        let upstream = try Self.logIn(client, gateway)
        client.ask("GET", "/open/2", "Connection: close")
        _ = upstream.message()
        upstream.send(Self.ok)
        #expect(client.message().text == "ok")
        #expect(upstream.readToEnd() == "" && upstream.ended)
    }

    @Test(arguments: [true, false]) func whoLogsInOrOutOnTheClientConnectionDoesNotGetIt(_ comesFirst: Bool) throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        let upstream = try Self.logIn(client, gateway, cookie: comesFirst)
        #expect(Self.serves(upstream, client, cookie: comesFirst))
        client.ask("GET", "/open/2", cookie: !comesFirst)
        let next = try #require(gateway.upstream.accept())
        #expect((next.message().field("X-Menwei-Assertion") == nil) == comesFirst)
        #expect(upstream.readToEnd() == "" && upstream.ended)
        next.send(Self.ok)
        #expect(client.message().text == "ok")
    }

    @Test func aPreflightNeitherUsesNorEndsIt() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let client = gateway.client()
        let upstream = try Self.logIn(client, gateway, cookie: true)
        client.ask("OPTIONS", "/open/2", "Origin: https://a.test", "Access-Control-Request-Method: PUT")
        let ordinary = try #require(gateway.upstream.accept())
        _ = ordinary.message()
        ordinary.send(Self.ok)
        #expect(client.message().text == "ok")
        #expect(Self.serves(upstream, client, cookie: true))
    }

    @Test func whatKnowsNothingOfALoginDoesNotComeBetween() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1", Self.begins)
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send(Self.challenges)
        #expect(client.message().status == 401)
        client.ask("GET", "/open/2")
        let ordinary = try #require(gateway.upstream.accept())
        _ = ordinary.message()
        ordinary.send(Self.asks)
        #expect(client.message().status == 401)
        client.ask("GET", "/open/1", Self.proves)
        #expect(upstream.message().field("Authorization") != nil)
        upstream.send(Self.ok)
        #expect(client.message().text == "ok")
        // Of the two that are bound by now the one that is logged in goes first.
        #expect(Self.serves(upstream, client))
    }

    @Test func whereTheUpstreamHasClosedItWhatCannotBeRepeatedIsServedByAnother() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        var upstream: Socket? = try Self.logIn(client, gateway)
        #expect(upstream?.unread.isEmpty == true)
        upstream = nil
        client.ask("POST", "/open/2", body: "body")
        let next = try #require(gateway.upstream.accept())
        #expect(next.message().text == "body")
        next.send(Self.ok)
        #expect(client.message().text == "ok")
    }

    @Test(arguments: ["GET", "POST"]) func whereItEndsUnderARequestOnlyWhatMayBeRepeatedIsServedByAnother(_ method: String) throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        var upstream: Socket? = try Self.logIn(client, gateway)
        client.ask(method, "/open/2")
        #expect(upstream?.message().head.hasPrefix(method) == true)
        upstream = nil
        if method == "GET" {
            let next = try #require(gateway.upstream.accept())
            #expect(next.message().head.hasPrefix("GET /open/2 "))
            next.send(Self.ok)
        }
        #expect(client.message().status == (method == "GET" ? 200 : 502))
        #expect(Self.isQuiet(gateway.upstream))
    }

    @Test func aReloadEndsIt() throws {
        let gateway = try TestGateway()
        let client = gateway.client(), busy = gateway.client()
        let upstream = try Self.logIn(client, gateway), other = try Self.logIn(busy, gateway)
        busy.ask("GET", "/open/2")
        _ = other.message()
        gateway.onLoop { worker in _ = worker.reload(worker.gateway.sites[0].options.rules) }
        #expect(upstream.readToEnd() == "" && upstream.ended)
        // What is under way ends first.
        other.send(Self.ok)
        #expect(busy.message().text == "ok")
        #expect(other.readToEnd() == "" && other.ended)
        client.ask("GET", "/open/2")
        let next = try #require(gateway.upstream.accept())
        _ = next.message()
        next.send(Self.ok)
        #expect(client.message().text == "ok")
    }

    @Test func aProxyThatSpeaksForManyHasNone() throws {
        let gateway = try TestGateway()
        gateway.onLoop { $0.server.replace(trusted: TrustedPeers(forwardedFor: [IPNetwork("127.0.0.0/8")!])) }
        let client = gateway.client()
        client.ask("GET", "/open/1", "X-Forwarded-For: 192.0.2.1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        upstream.send(Self.asks)
        #expect(client.message().status == 401)
        #expect(upstream.readToEnd() == "" && upstream.ended)
    }

    @Test func oneThatSaysMoreThanItWasAskedIsNotUsedAgain() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        let upstream = try Self.logIn(client, gateway)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        #expect(upstream.readToEnd() == "" && upstream.ended)
        client.ask("GET", "/open/2")
        let next = try #require(gateway.upstream.accept())
        _ = next.message()
        next.send(Self.ok)
        #expect(client.message().text == "ok")
    }

    // MARK: the balancer

    @Test(arguments: [SiteOptions.Balance.leastRequests, .roundRobin]) func itGoesBeforeTheBalancersChoice(_ balance: SiteOptions.Balance) throws {
        let other = Listener()
        let port = other.port
        let gateway = try TestGateway {
            $0.upstreams.append(UpstreamAddress(host: "127.0.0.1", port: port, text: "http://127.0.0.1:\(port)"))
            $0.balance = balance
        }
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let (upstream, _) = try #require(either(gateway.upstream, other))
        _ = upstream.message()
        upstream.send(Self.asks)
        #expect(client.message().status == 401)
        for _ in 0..<5 { #expect(Self.serves(upstream, client)) }
    }

    @Test func itCountsAmongTheRequestsOfItsUpstream() throws {
        let gateway = try TestGateway { $0.upstreamLimits.requests = 1 }
        let client = gateway.client(), other = gateway.client()
        let upstream = try Self.logIn(client, gateway)
        client.ask("GET", "/open/2")
        _ = upstream.message()
        other.ask("GET", "/open/3")
        #expect(gateway.eventually { $0.gateway.sites[0].group.waiting == 1 })
        #expect(Self.isQuiet(gateway.upstream))
        upstream.send(Self.ok)
        #expect(client.message().text == "ok")
        let ordinary = try #require(gateway.upstream.accept())
        _ = ordinary.message()
        // And it waits like any other, but not for just any connection.
        client.ask("POST", "/open/4")
        #expect(gateway.eventually { $0.gateway.sites[0].group.waiting == 1 })
        ordinary.send(Self.ok)
        #expect(other.message().text == "ok")
        #expect(upstream.message().head.hasPrefix("POST /open/4 "))
        upstream.send(Self.ok)
        #expect(client.message().text == "ok")
        // Nothing of it is left to be counted.
        #expect(Self.serves(ordinary, other) && Self.serves(upstream, client))
    }

    @Test func itEndsWhereItsUpstreamIsPassedOver() throws {
        let other = Listener()
        let port = other.port
        let gateway = try TestGateway {
            $0.upstreams.append(UpstreamAddress(host: "127.0.0.1", port: port, text: "http://127.0.0.1:\(port)"))
            $0.balance = .roundRobin
            $0.upstreamLimits.ejection.failures = 1
        }
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let (upstream, isOther) = try #require(either(gateway.upstream, other))
        _ = upstream.message()
        upstream.send(Self.asks)
        #expect(client.message().status == 401)
        #expect(Self.serves(upstream, client))
        // Of two requests in turn one meets the same upstream, which does not answer.
        for _ in 0..<2 {
            let passer = gateway.client()
            passer.ask("POST", "/open/3", body: "body")
            var (met, wasOther): (Socket?, Bool) = try #require(either(gateway.upstream, other))
            _ = met?.message()
            if wasOther != isOther { met?.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok") }
            met = nil
            #expect(passer.message().status == (wasOther == isOther ? 502 : 200))
        }
        client.ask("GET", "/open/4")
        let next = try #require((isOther ? gateway.upstream : other).accept())
        _ = next.message()
        #expect(upstream.readToEnd() == "" && upstream.ended)
        next.send(Self.ok)
        #expect(client.message().text == "ok")
    }

    private func either(_ one: Listener, _ other: Listener) -> (Socket, isOther: Bool)? {
        var waiting = [pollfd(fd: one.descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other.descriptor, events: Int16(POLLIN), revents: 0)]
        guard poll(&waiting, 2, 20_000) > 0 else { return nil }
        let isOther = waiting[1].revents != 0
        return (isOther ? other : one).accept().map { ($0, isOther) }
    }

    // MARK: bounds

    @Test func beyondTheBoundOfAnUpstreamTheOneThatWaitedLongestEnds() throws {
        let gateway = try TestGateway()
        var bound: [(client: Socket, upstream: Socket)] = []
        for number in 0...UpstreamPool.maxIdle {
            let client = gateway.client()
            client.ask("GET", "/open/1")
            let upstream = try #require(gateway.upstream.accept())
            _ = upstream.message()
            upstream.send(Self.asks)
            #expect(client.message().status == 401)
            bound.append((client, upstream))
            // Used again, it is no more the one that waited longest.
            if number == 1 { #expect(Self.serves(bound[0].upstream, bound[0].client)) }
        }
        #expect(bound[1].upstream.readToEnd() == "" && bound[1].upstream.ended)
        for index in [0, 2, UpstreamPool.maxIdle] { #expect(Self.serves(bound[index].upstream, bound[index].client)) }
    }
}
