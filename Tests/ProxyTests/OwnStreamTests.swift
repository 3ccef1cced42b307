import EventLoop
import HTTP
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(5))) struct OwnStreamTests {
    private func begin(_ client: Socket, version: String = "1.1") -> String {
        client.ask("GET", "/.menwei/stream", version: version)
        return client.take(through: "first\n")
    }

    @Test func aStreamGoesOnUntilItsWriterEndsIt() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        #expect(begin(client).hasSuffix("Transfer-Encoding: chunked\r\n\r\n6\r\nfirst\n"))
        gateway.onLoop { $0.portal.streams[0].send(Array("second".utf8)) }
        #expect(client.take(through: "second\r\n") == "\r\n6\r\nsecond\r\n")
        gateway.onLoop { worker in
            worker.portal.streams[0].end()
            worker.portal.streams[0].send(Array("too late".utf8))
        }
        #expect(client.take(through: "0\r\n\r\n") == "0\r\n\r\n")
        #expect(gateway.onLoop { $0.portal.ended } == 1)
        client.ask("GET", "/.menwei/x")
        #expect(client.message().text == "own GET /.menwei/x 0")
    }

    @Test func forHTTP10ItsEndIsTheConnectionsEnd() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        #expect(begin(client, version: "1.0").contains("Connection: close\r\n\r\nfirst\n"))
        gateway.onLoop { $0.portal.streams[0].end() }
        #expect(client.readToEnd() == "")
    }

    @Test func aHeadRequestBeginsNone() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        client.ask("HEAD", "/.menwei/stream")
        let answer = client.message(bodiless: true)
        #expect(answer.status == 200 && answer.field("Content-Length") == nil)
        #expect(gateway.onLoop { $0.portal.streams.isEmpty })
    }

    @Test func itEndsWithItsClient() throws {
        let gateway = try TestGateway()
        do {
            let client = gateway.client()
            _ = begin(client)
        }
        // Whether it ended its side alone shows only when something is written to it.
        #expect(gateway.eventually { worker in
            worker.portal.streams[0].send(Array(": still there?\n".utf8))
            return worker.portal.ended == 1
        })
    }

    @Test func itEndsWhereTheServerDrains() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        _ = begin(client)
        gateway.onLoop { $0.server.drain {} }
        #expect(client.readToEnd() == "\r\n0\r\n\r\n")
        #expect(gateway.onLoop { $0.portal.ended } == 1)
    }

    @Test func itEndsWithAReload() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        _ = begin(client)
        _ = gateway.onLoop { LoopBound($0.reload([])) }
        #expect(client.take(through: "0\r\n\r\n") == "\r\n0\r\n\r\n")
        #expect(gateway.onLoop { $0.portal.ended } == 1)
    }

    @Test func theTimeLimitOfOwnAnswersDoesNotEndIt() throws {
        var limits = ServerLimits()
        limits.ownAnswer = .milliseconds(1500)
        let gateway = try TestGateway(limits: limits)
        let client = gateway.client()
        _ = begin(client)
        // Asked after it, and refused by that limit.
        let other = gateway.client()
        other.ask("GET", "/.menwei/never")
        #expect(other.message().status == 503)
        #expect(gateway.onLoop { $0.portal.ended } == 0)
        gateway.onLoop { $0.portal.streams[0].send(Array("on".utf8)) }
        #expect(client.take(through: "on\r\n") == "\r\n2\r\non\r\n")
    }

    @Test func whoDoesNotTakeWhatIsWrittenIsCutOff() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        _ = begin(client)
        let piece = [UInt8](repeating: 0x2E, count: 8 << 10)
        #expect(gateway.eventually { worker in
            worker.portal.streams[0].send(piece)
            return worker.portal.ended == 1
        })
    }
}
