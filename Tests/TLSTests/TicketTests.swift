import Bytes
import COpenSSL
import EventLoop
import Testing

@testable import TLS

private let start = MonotonicTime(nanoseconds: 5_000_000_000)
private func random(_ first: UInt8) -> [UInt8] { [UInt8](first..<first + 80) }
private func later(_ duration: Duration) -> MonotonicTime { MonotonicTime(nanoseconds: start.nanoseconds + duration.nanoseconds) }

private func options(_ names: String..., tickets: TicketKeys) throws -> TLSOptions {
    TLSOptions(certificates: try names.map { name in
        let made = try SelfSigned.make(names: [name])
        return try CertificateMaterial(chainPEM: made.certificatePEM, keyPEM: made.keyPEM)
    }, tickets: tickets)
}

/// A session that a client got at `host`. To be freed by the caller.
private func session(_ context: TLSContext, _ host: String?, _ version: Int32) throws -> OpaquePointer {
    let pair = try Pair(context, host: host, version: version)
    #expect(pair.shakeHands() == (.done, .done))
    // TLS 1.3 sends the ticket behind the handshake, with the first bytes.
    #expect(pair.server.write(Array("x".utf8).span) == .moved(1))
    #expect(pair.client.receive() == "x")
    // Of a connection that just breaks off OpenSSL resumes nothing.
    SSL_set_shutdown(pair.client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    return try #require(pair.client.session)
}

/// A session's ticket as the server sealed it.
private func ticket(_ session: OpaquePointer) -> [UInt8] {
    var bytes: UnsafePointer<UInt8>?
    var count = 0
    SSL_SESSION_get0_ticket(session, &bytes, &count)
    return Array(UnsafeBufferPointer(start: bytes, count: count))
}

private func resumes(_ session: OpaquePointer, _ context: TLSContext, _ host: String?, _ version: Int32) throws -> Bool {
    let pair = try Pair(context, host: host, version: version, session: session)
    #expect(pair.shakeHands() == (.done, .done))
    #expect(pair.server.isResumed == pair.client.isResumed)
    return pair.server.isResumed
}

@Suite struct TicketTests {
    @Test func aKeySealsForTwelveHoursAndOpensForAnotherTwelve() {
        var keys = TicketKeys(random: random(0), at: start)
        #expect(!keys.isDue(at: later(.seconds(12 * 3600 - 1))))
        #expect(keys.isDue(at: later(.seconds(12 * 3600))))
        let first = keys.current
        keys.rotate(random: random(80), at: later(.seconds(12 * 3600)))
        #expect(keys.previous == first && keys.current != first && !keys.isDue(at: later(.seconds(20 * 3600))))
        keys.rotate(random: random(160), at: later(.seconds(24 * 3600)))
        #expect(keys.previous != first && keys.current != first)
    }

    @Test func afterALongSleepNothingOldIsOpened() {
        var keys = TicketKeys(random: random(0), at: start)
        keys.rotate(random: random(80), at: later(.seconds(24 * 3600)))
        #expect(keys.previous == nil)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aTicketOutlivesOneRotationAndNotTwo(_ version: Int32) throws {
        var keys = TicketKeys(random: random(0), at: start)
        let context = try TLSContext(options("one.test", tickets: keys))
        let old = try session(context, "one.test", version)
        defer { SSL_SESSION_free(old) }
        keys.rotate(random: random(80), at: later(.seconds(1)))
        context.replace(tickets: keys)
        #expect(try resumes(old, context, "one.test", version))
        keys.rotate(random: random(160), at: later(.seconds(2)))
        context.replace(tickets: keys)
        #expect(try !resumes(old, context, "one.test", version))
        let new = try session(context, "one.test", version)
        defer { SSL_SESSION_free(new) }
        #expect(try resumes(new, context, "one.test", version))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aTicketResumesAtItsHostAlone(_ version: Int32) throws {
        // Two hosts with a certificate each, and two with one in common.
        var options = try options("one.test", "two.test", tickets: TicketKeys(random: random(0), at: start))
        let made = try SelfSigned.make(names: ["*.wild.test"])
        options.certificates.append(try CertificateMaterial(chainPEM: made.certificatePEM, keyPEM: made.keyPEM))
        let context = try TLSContext(options)
        let hosts: [String?] = ["one.test", "two.test", "a.wild.test", "b.wild.test", "unknown.test", nil]
        for host in hosts {
            let session = try session(context, host, version)
            defer { SSL_SESSION_free(session) }
            for other in hosts { #expect(try resumes(session, context, other, version) == (host == other), "\(host ?? "-") at \(other ?? "-")") }
        }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aTicketResumesUnderAnotherCaseOfTheNameAndNotUnderAnotherCertificate(_ version: Int32) throws {
        let keys = TicketKeys(random: random(0), at: start)
        let context = try TLSContext(options("one.test", tickets: keys))
        let session = try session(context, "one.test", version)
        defer { SSL_SESSION_free(session) }
        #expect(try resumes(session, context, "ONE.test", version))
        #expect(try !resumes(session, TLSContext(options("one.test", tickets: keys)), "one.test", version))
    }

    @Test func whoResumesGetsANewTicket() throws {
        // In TLS 1.3 a ticket is good for one connection; without another the next one would begin with a whole handshake.
        let context = try TLSContext(options("one.test", tickets: TicketKeys(random: random(0), at: start)))
        let first = try session(context, "one.test", TLS1_3_VERSION)
        defer { SSL_SESSION_free(first) }
        let pair = try Pair(context, host: "one.test", session: first)
        #expect(pair.shakeHands() == (.done, .done) && pair.server.isResumed)
        #expect(pair.server.write(Array("x".utf8).span) == .moved(1))
        #expect(pair.client.receive() == "x")
        SSL_set_shutdown(pair.client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        let second = try #require(pair.client.session)
        defer { SSL_SESSION_free(second) }
        #expect(ticket(first) != ticket(second))
        #expect(try resumes(second, context, "one.test", TLS1_3_VERSION))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func theCipherOfTenRoundsComesFirst(_ version: Int32) throws {
        let pair = try Pair(try TLSContext(options("one.test", tickets: TicketKeys(random: random(0), at: start))), host: "one.test", version: version)
        #expect(pair.shakeHands() == (.done, .done))
        #expect(SSL_CIPHER_get_bits(SSL_get_current_cipher(pair.client.ssl), nil) == 128)
    }

    @Test func nothingEarlyIsTaken() throws {
        let context = try TLSContext(options("one.test", tickets: TicketKeys(random: random(0), at: start)))
        let session = try session(context, "one.test", TLS1_3_VERSION)
        defer { SSL_SESSION_free(session) }
        #expect(SSL_SESSION_get_max_early_data(session) == 0)
    }
}

@Suite struct KeyUpdateTests {
    private func pair(_ version: Int32) throws -> Pair {
        let pair = try Pair(try TLSContext(options("one.test", tickets: TicketKeys(random: random(0), at: start))), host: "one.test", version: version)
        #expect(pair.shakeHands() == (.done, .done))
        return pair
    }

    @Test func aClientThatRenewsItsKeysNowAndThenIsServed() throws {
        let pair = try pair(TLS1_3_VERSION)
        var queue = ByteQueue()
        for round in 0..<20 {
            #expect(SSL_key_update(pair.client.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
            #expect(pair.client.send("hello") == 5)
            #expect(pair.server.read(into: &queue, minimum: 100) == .moved(5), "\(round)")
            #expect(pair.server.write(Array("answer".utf8).span) == .moved(6))
            #expect(pair.client.receive() == "answer")
        }
    }

    @Test func aFloodOfKeyUpdatesIsCutOff() throws {
        let pair = try pair(TLS1_3_VERSION)
        var queue = ByteQueue()
        var rounds = 0
        while rounds < 1000 {
            rounds += 1
            _ = SSL_key_update(pair.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
            if SSL_do_handshake(pair.client.ssl) != 1 { break }
            if pair.server.read(into: &queue, minimum: 100) != .wouldBlock { break }
        }
        #expect((20...250).contains(rounds), "\(rounds)")
        #expect(pair.server.read(into: &queue, minimum: 100) == .failed(0))
        #expect(pair.server.write(Array("x".utf8).span) == .failed(0))
    }

    @Test func aKeyUpdateThatCannotBeAnsweredYetDoesNotHoldUpReading() throws {
        let pair = try pair(TLS1_3_VERSION)
        // The client reads nothing: the way to it fills up, behind TLS's back.
        let block = [UInt8](repeating: 0, count: 16384)
        while case .moved = Sockets.write(pair.serverEnd, block.span) {}
        while case .moved = Sockets.write(pair.serverEnd, [0].span) {}
        var queue = ByteQueue()
        _ = SSL_key_update(pair.client.ssl, SSL_KEY_UPDATE_REQUESTED)
        #expect(pair.client.send("x") == 1)
        #expect(pair.server.read(into: &queue, minimum: 100) == .moved(1))
    }

    @Test func renegotiationIsRefused() throws {
        let pair = try pair(TLS1_2_VERSION)
        var queue = ByteQueue()
        #expect(SSL_renegotiate(pair.client.ssl) == 1)
        _ = SSL_do_handshake(pair.client.ssl)
        let server = pair.server.read(into: &queue, minimum: 100)
        #expect(server == .wouldBlock || server == .failed(0))
        let client = SSL_do_handshake(pair.client.ssl)
        #expect(client != 1)
    }
}
