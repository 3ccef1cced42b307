import Glibc
import Testing

@testable import Proxy

/// Several upstreams, and what becomes of requests that one of them fails: through a gateway on real sockets.
@Suite(.timeLimit(.minutes(5))) struct UpstreamGroupTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    private static let okAndClose = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

    private static func address(_ port: UInt16) -> UpstreamAddress {
        UpstreamAddress(host: "127.0.0.1", port: port, text: "http://127.0.0.1:\(port)")
    }

    /// The connection that one of two listeners gets, and which of them.
    private static func either(_ one: Listener, _ other: Listener) -> (Socket, isOther: Bool)? {
        var waiting = [pollfd(fd: one.descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other.descriptor, events: Int16(POLLIN), revents: 0)]
        guard poll(&waiting, 2, 20_000) > 0 else { return nil }
        let isOther = waiting[1].revents != 0
        return (isOther ? other : one).accept().map { ($0, isOther) }
    }

    /// Nobody has connected to it.
    private static func isQuiet(_ listener: Listener) -> Bool {
        var waiting = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) == 0
    }

    @Test(arguments: ["GET", "POST"])
    func whereOneIsNotThereAnotherServes(_ method: String) throws {
        let dead = Listener().port
        let gateway = try TestGateway { $0.upstreams.insert(Self.address(dead), at: 0) }
        for number in 1...4 {
            let client = gateway.client()
            client.ask(method, "/open/\(number)", body: method == "POST" ? "body" : "")
            let upstream = try #require(gateway.upstream.accept())
            let request = upstream.message()
            #expect(request.head.hasPrefix("\(method) /open/\(number) ") && request.text == (method == "POST" ? "body" : ""))
            upstream.send(Self.okAndClose)
            #expect(client.message().text == "ok")
        }
    }

    @Test func whereOneTakesNoConnectionAnotherServesWithinTheTimeForConnecting() throws {
        let hole = BlackHole()
        let port = hole.port
        let gateway = try TestGateway {
            $0.upstreams.insert(Self.address(port), at: 0)
            $0.timeouts.connect = .seconds(3)
        }
        for number in 1...4 {
            let client = gateway.client()
            client.ask("POST", "/open/\(number)", body: "body")
            let upstream = try #require(gateway.upstream.accept())
            #expect(upstream.message().text == "body")
            upstream.send(Self.okAndClose)
            #expect(client.message().text == "ok")
        }
    }

    @Test func aPostOnAKeptConnectionThatEndsUnderItIs502AndIsNotSentAgain() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("GET", "/open/1")
        var upstream = gateway.upstream.accept()
        _ = upstream?.message()
        upstream?.send(Self.ok)
        #expect(client.message().text == "ok")
        client.send("POST /open/2 HTTP/1.1\r\nHost: wiki.test\r\nContent-Length: 4\r\n\r\n")
        #expect(upstream?.take(through: "\r\n\r\n").hasPrefix("POST /open/2 ") == true)
        upstream = nil
        #expect(client.message().status == 502)
        #expect(Self.isQuiet(gateway.upstream))
    }

    @Test(arguments: [("GET", ""), ("DELETE", ""), ("POST", ""), ("POST", "body"), ("PUT", "body"), ("PATCH", "")])
    func withoutAnAnswerOnlyWhatMayBeRepeatedGoesToAnotherUpstream(_ method: String, _ body: String) throws {
        let other = Listener()
        let port = other.port
        let gateway = try TestGateway { $0.upstreams.append(Self.address(port)) }
        let client = gateway.client()
        client.ask(method, "/open/1", body: body)
        var (first, isOther): (Socket?, Bool) = try #require(Self.either(gateway.upstream, other))
        _ = first?.message()
        first = nil
        let second = isOther ? gateway.upstream : other
        guard ["GET", "DELETE"].contains(method) else {
            #expect(client.message().status == 502)
            #expect(Self.isQuiet(second))
            return
        }
        let upstream = try #require(second.accept())
        #expect(upstream.message().head.hasPrefix("\(method) /open/1 "))
        upstream.send(Self.ok)
        #expect(client.message().text == "ok")
    }

    @Test func aRequestThatEndsOneUpstreamDoesNotGoOnToAllOfThem() throws {
        let other = Listener(), third = Listener()
        let ports = [other.port, third.port]
        let gateway = try TestGateway { $0.upstreams += ports.map(Self.address) }
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let listeners = [gateway.upstream, other, third]
        var met = 0
        while client.unread.isEmpty, met < 3 {
            var waiting = listeners.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) } + [pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0)]
            guard poll(&waiting, 4, 20_000) > 0, let index = waiting.firstIndex(where: { $0.revents != 0 }), index < 3 else { break }
            _ = listeners[index].accept()?.message()
            met += 1
        }
        #expect(client.message().status == 502)
        #expect(met == 2)
    }

    @Test func whereAllAreDownTheAnswerIs502AndTheFirstThatIsBackServes() throws {
        let ports = [Listener().port, Listener().port]
        let backPort = Listener().port
        let gateway = try TestGateway { $0.upstreams = ports.map(Self.address) + [Self.address(backPort)] }
        for _ in 1...20 {
            let client = gateway.client()
            client.ask("GET", "/open/1")
            #expect(client.message().status == 502)
        }
        let listener = Listener(at: backPort)
        let client = gateway.client()
        client.ask("GET", "/open/2")
        let upstream = try #require(listener.accept())
        _ = upstream.message()
        upstream.send(Self.ok)
        #expect(client.message().text == "ok")
    }

    // MARK: the line

    /// A gateway whose upstream may have one request under way and one waiting, and the connection of the first.
    private static func busy(connect: Duration = .seconds(5)) throws -> (TestGateway, Socket, Socket) {
        let gateway = try TestGateway {
            $0.upstreamLimits.requests = 1
            $0.upstreamLimits.waiting = 1
            $0.timeouts.connect = connect
        }
        let client = gateway.client()
        client.ask("GET", "/open/1")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        return (gateway, client, upstream)
    }

    @Test func whoIsOneTooManyWaitsForAnotherToEnd() throws {
        let (gateway, first, upstream) = try Self.busy()
        let second = gateway.client()
        second.ask("POST", "/open/2", body: "body")
        #expect(gateway.eventually { $0.gateway.sites[0].group.waiting == 1 })
        upstream.send(Self.ok)
        #expect(first.message().text == "ok")
        let request = upstream.message()
        #expect(request.head.hasPrefix("POST /open/2 ") && request.text == "body")
        upstream.send(Self.ok)
        #expect(second.message().text == "ok")
        #expect(Self.isQuiet(gateway.upstream), "one connection is enough")
    }

    @Test func whoFindsTheLineFullIs502AtOnce() throws {
        let (gateway, first, upstream) = try Self.busy()
        let second = gateway.client()
        second.ask("GET", "/open/2")
        #expect(gateway.eventually { $0.gateway.sites[0].group.waiting == 1 })
        let third = gateway.client()
        third.ask("GET", "/open/3")
        #expect(third.message().status == 502)
        upstream.send(Self.ok)
        #expect(first.message().text == "ok")
    }

    @Test func whoWaitsTooLongIs504() throws {
        let (gateway, first, upstream) = try Self.busy(connect: .seconds(2))
        let second = gateway.client()
        second.ask("GET", "/open/2")
        #expect(second.message().status == 504)
        #expect(gateway.onLoop { $0.gateway.sites[0].group.waiting } == 0)
        upstream.send(Self.ok)
        #expect(first.message().text == "ok", "who is there may stay")
    }

    @Test func whoGoesAwayLeavesTheLine() throws {
        let (gateway, first, upstream) = try Self.busy()
        var second: Socket? = gateway.client()
        second?.ask("GET", "/open/2")
        #expect(gateway.eventually { $0.gateway.sites[0].group.waiting == 1 })
        second?.reset()
        second = nil
        #expect(gateway.eventually { $0.gateway.sites[0].group.waiting == 0 })
        let third = gateway.client()
        third.ask("GET", "/open/3")
        #expect(gateway.eventually { $0.gateway.sites[0].group.waiting == 1 })
        upstream.send(Self.ok)
        #expect(first.message().text == "ok")
        #expect(upstream.message().head.hasPrefix("GET /open/3 "))
    }
}

/// A listener whose line of newcomers is full: whoever connects gets no answer at all.
private final class BlackHole {
    let port: UInt16
    private let descriptor: Int32
    private var fillers: [Int32] = []

    init() {
        let listener = Listener(backlog: 0)
        descriptor = dup(listener.descriptor)
        port = listener.port
        var address = Socket.loopback(port)
        for _ in 0..<4 {
            let filler = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            _ = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(filler, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            fillers.append(filler)
        }
    }

    deinit { for each in fillers + [descriptor] { close(each) } }
}
