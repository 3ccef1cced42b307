import Bytes
import EventLoop
import Glibc
import HTTP
import Telemetry
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(5))) struct AdmissionTests {
    private static func limits(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
        var limits = ServerLimits()
        change(&limits)
        return limits
    }

    private static func asked(_ client: Socket) -> Int {
        client.ask("GET", "/.menwei/a")
        return client.message().status
    }

    @Test func whereAllAreBusyTheNewestIsRefused() throws {
        let gateway = try TestGateway(limits: Self.limits { $0.connections = 2 })
        let busy = [gateway.client(), gateway.client()]
        let upstreams = try busy.map { client in
            client.ask("GET", "/open/x")
            let upstream = try #require(gateway.upstream.accept())
            _ = upstream.message()
            return upstream
        }
        let late = gateway.client()
        late.ask("GET", "/.menwei/a")
        #expect(late.message().status == 0)
        #expect(gateway.onLoop { $0.server.connectionCount } == 2)
        #expect(gateway.refused(.total) == 1)
        for upstream in upstreams { upstream.send("HTTP/1.1 204 Fine\r\n\r\n") }
        for client in busy { #expect(client.message().status == 204) }
    }

    @Test func whoIsIdleMakesRoom() throws {
        let gateway = try TestGateway(limits: Self.limits { $0.connections = 2 })
        let busy = gateway.client(), idle = gateway.client()
        #expect(Self.asked(idle) == 200)
        busy.ask("GET", "/open/x")
        let upstream = try #require(gateway.upstream.accept())
        _ = upstream.message()
        for _ in 0..<5 {
            let late = gateway.client()
            #expect(Self.asked(late) == 200)
        }
        #expect(idle.readToEnd() == "")
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(busy.message().text == "ok")
        #expect(gateway.refused(.total) == 0)
    }

    @Test func oneAddressDoesNotTakeThemAll() throws {
        let gateway = try TestGateway(limits: Self.limits { $0.connectionsPerAddress = 3 })
        let clients = (0..<3).map { _ in gateway.client() }
        for client in clients { #expect(Self.asked(client) == 200) }
        #expect(Self.asked(gateway.client()) == 0)
        #expect(Self.asked(gateway.client(from: 7)) == 200)
        #expect(gateway.refused(.address) == 1)
        // Who leaves makes room.
        clients[0].shutdownWrite()
        _ = clients[0].readToEnd()
        #expect(gateway.eventually { $0.server.connectionCount == 2 })
        #expect(Self.asked(gateway.client()) == 200)
    }

    @Test func aTrustedProxyIsNotCounted() throws {
        let gateway = try TestGateway(limits: Self.limits { $0.connectionsPerAddress = 1 })
        gateway.onLoop { $0.server.replace(trusted: TrustedPeers(forwardedFor: [IPNetwork("127.0.0.1/32")!])) }
        let clients = (0..<4).map { _ in gateway.client() }
        for client in clients { #expect(Self.asked(client) == 200) }
        // They leave as they came: nothing is taken off a count that was never added to.
        gateway.onLoop { $0.server.replace(trusted: TrustedPeers()) }
        for client in clients {
            client.shutdownWrite()
            _ = client.readToEnd()
        }
        #expect(gateway.eventually { $0.server.connectionCount == 0 })
        let only = gateway.client()
        #expect(Self.asked(only) == 200)
        #expect(Self.asked(gateway.client()) == 0)
    }

    @Test func behindABalancerItsClientsAreCounted() throws {
        let gateway = try TestGateway(limits: Self.limits { $0.connectionsPerAddress = 1 })
        gateway.onLoop { $0.server.replace(trusted: TrustedPeers(proxyProtocol: [IPNetwork("127.0.0.0/8")!])) }
        let clients = (1...4).map { number in
            let client = gateway.client()
            client.send("PROXY TCP4 192.0.2.\(number) 127.0.0.1 1 2\r\n")
            return client
        }
        for client in clients { #expect(Self.asked(client) == 200) }
        let second = gateway.client()
        second.send("PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n")
        #expect(Self.asked(second) == 0)
        #expect(gateway.refused(.address) == 1)
    }

    @Test func handshakesThatDoNotEndMakeRoom() throws {
        let gateway = try TestGateway(limits: Self.limits {
            $0.handshakes = 2
            $0.handshakeGrace = .zero
        })
        // What is before TLS counts as the handshake, too.
        gateway.onLoop { $0.server.replace(trusted: TrustedPeers(proxyProtocol: [IPNetwork("127.0.0.0/8")!])) }
        let stuck = (0..<5).map { _ in gateway.client() }
        for client in stuck { client.send("PROXY TC") }
        for client in stuck.prefix(3) { #expect(client.readToEnd() == "") }
        #expect(gateway.refused(.handshakes) == 3)
        let good = gateway.client()
        good.send("PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n")
        #expect(Self.asked(good) == 200)
        #expect(gateway.onLoop { $0.server.connectionCount } == 2)
    }

    @Test func whoHasJustBegunIsLeftAlone() throws {
        let gateway = try TestGateway(limits: Self.limits {
            $0.handshakes = 1
            // Just now, on a slow machine too.
            $0.handshakeGrace = .seconds(60)
            $0.handshake = .seconds(60)
        })
        gateway.onLoop { $0.server.replace(trusted: TrustedPeers(proxyProtocol: [IPNetwork("127.0.0.0/8")!])) }
        let first = gateway.client()
        first.send("PROXY TCP4 192.0.2.1 127.0.0")
        #expect(gateway.eventually { $0.server.connectionCount == 1 })
        let second = gateway.client()
        #expect(second.readToEnd() == "")
        first.send(".1 1 2\r\n")
        #expect(Self.asked(first) == 200)
        #expect(gateway.refused(.handshakes) == 1)
    }

    @Test func whoHoldsMostHandshakesMakesRoomForOthers() throws {
        let gateway = try TestGateway()
        gateway.onLoop { gate in
            let crowd = IPAddress("192.0.2.1")!, other = IPAddress("192.0.2.2")!
            var newcomers = Newcomers()
            var connections: [ClientConnection] = []
            func add(_ address: IPAddress?) throws {
                let pair = try Sockets.listen(on: SocketAddress(literal: "127.0.0.1", port: 0)!, shared: false)
                let connection = try ClientConnection(pair, from: address ?? other, isAnnounced: address == nil, to: gate.server, tls: nil)
                connections.append(connection)
                newcomers.add(connection, from: address)
            }
            do {
                try add(nil)
                try add(other)
                for _ in 0..<3 { try add(crowd) }
                #expect(newcomers.count(of: crowd) == 3 && newcomers.count == 5)
                #expect(newcomers.oldest(ofCrowdAbove: 2) === connections[2])
                #expect(newcomers.oldest(ofCrowdAbove: 3) == nil)
                newcomers.remove(connections[2])
                #expect(newcomers.count(of: crowd) == 2 && newcomers.oldest(ofCrowdAbove: 1) === connections[3])
                for connection in connections { newcomers.remove(connection) }
                #expect(newcomers.count == 0 && newcomers.count(of: crowd) == 0 && newcomers.oldest == nil)
            } catch { Issue.record(error) }
        }
    }

    @Test func someDescriptorsAreNotForClients() throws {
        let gateway = try TestGateway(limits: Self.limits { $0.descriptors = 0 })
        #expect(Self.asked(gateway.client()) == 0)
        #expect(gateway.refused(.descriptors) == 1)
    }

    @Test func aHeaderThatDoesNotComeEndsWithTheHandshakesLimit() throws {
        let gateway = try TestGateway(limits: Self.limits { $0.handshake = .milliseconds(40) })
        gateway.onLoop { $0.server.replace(trusted: TrustedPeers(proxyProtocol: [IPNetwork("127.0.0.0/8")!])) }
        let client = gateway.client()
        client.send("PROXY")
        #expect(client.readToEnd() == "" && client.ended)
    }

    @Test func aCensusForgetsWhoHasLeft() {
        var census = ConnectionCensus()
        let address = IPAddress("2001:db8::1")!, neighbour = IPAddress("2001:db8::2")!
        census.add(address)
        census.add(neighbour)
        #expect(census.count(of: address) == 2)
        census.remove(address)
        census.remove(neighbour)
        census.remove(neighbour)
        #expect(census.count(of: address) == 0)
    }
}
