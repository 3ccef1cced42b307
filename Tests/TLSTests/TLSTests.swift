import Bytes
import COpenSSL
import EventLoop
import Testing

@testable import TLS

private func tickets(_ first: UInt8 = 0) -> TicketKeys { TicketKeys(random: [UInt8](first..<first + 80), at: MonotonicTime(nanoseconds: 0)) }

private func material(_ names: String...) throws -> CertificateMaterial {
    let made = try SelfSigned.make(names: names)
    return try CertificateMaterial(chainPEM: made.certificatePEM, keyPEM: made.keyPEM)
}

private func context(_ certificates: [CertificateMaterial], tickets keys: TicketKeys = tickets(), _ change: (inout TLSOptions) -> Void = { _ in }) throws -> TLSContext {
    var options = TLSOptions(certificates: certificates, tickets: keys)
    change(&options)
    return try TLSContext(options)
}

@Suite struct TLSTests {
    @Test func aCertificateTellsItsNamesAndItsEnd() throws {
        let one = try material("Wiki.test", "*.apps.test")
        #expect(one.names == ["wiki.test", "*.apps.test"])
        #expect(one.covers("wiki.test") && one.covers("a.apps.test"))
        #expect(!one.covers("apps.test") && !one.covers("a.b.apps.test") && !one.covers("test"))
        #expect(one.notAfter > WallTime(seconds: 1_700_000_000))
    }

    @Test func aKeyOfAnotherCertificateIsAFault() throws {
        let one = try SelfSigned.make(names: ["a.test"]), two = try SelfSigned.make(names: ["a.test"])
        let error = #expect(throws: TLSError.self) { try CertificateMaterial(chainPEM: one.certificatePEM, keyPEM: two.keyPEM) }
        #expect(error?.code == .mismatch)
    }

    @Test(arguments: ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func whatIsNoCertificateIsAFault(_ text: String) throws {
        let good = try SelfSigned.make(names: ["a.test"])
        let chain = #expect(throws: TLSError.self) { try CertificateMaterial(chainPEM: Array(text.utf8), keyPEM: good.keyPEM) }
        #expect(chain?.code == .certificate)
        let key = #expect(throws: TLSError.self) { try CertificateMaterial(chainPEM: good.certificatePEM, keyPEM: Array(text.utf8)) }
        #expect(key?.code == .key)
    }

    @Test(arguments: [("one.test", "one.test"), ("TWO.test", "two.test"), ("x.wild.test", "*.wild.test"), ("other.test", "one.test"), (nil, "one.test")])
    func theCertificateIsChosenByTheNameThatTheClientAsksFor(_ asked: String?, _ shown: String) throws {
        let context = try context([material("one.test"), material("two.test"), material("*.wild.test")])
        let pair = try Pair(context, host: asked)
        #expect(pair.shakeHands() == (.done, .done))
        #expect(pair.client.serverName == shown)
    }

    @Test(arguments: [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), (["spdy/3", "http/1.1"], "http/1.1"), ([], "")])
    func theProtocolIsTheFirstOfOursThatTheClientOffers(_ offered: [String], _ chosen: String) throws {
        let pair = try Pair(try context([material("one.test")]), host: "one.test", protocols: offered)
        #expect(pair.shakeHands() == (.done, .done))
        #expect(pair.server.negotiatedProtocol == chosen)
    }

    @Test func aClientThatOffersOnlyOtherProtocolsIsRefused() throws {
        let pair = try Pair(try context([material("one.test")]), host: "one.test", protocols: ["ftp"])
        #expect(pair.shakeHands().server == .failed)
    }

    @Test func anOldVersionIsRefusedWhereANewerOneIsAsked() throws {
        let both = try Pair(try context([material("one.test")]), host: "one.test", version: TLS1_2_VERSION)
        #expect(both.shakeHands() == (.done, .done))
        let newest = try Pair(try context([material("one.test")]) { $0.minimumVersion = .tls13 }, host: "one.test", version: TLS1_2_VERSION)
        #expect(newest.shakeHands().server == .failed)
        let old = try Pair(try context([material("one.test")]), host: "one.test", version: TLS1_1_VERSION)
        #expect(old.shakeHands() != (.done, .done))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aSessionBegunWithOneWorkerIsResumedByAnotherThatSharesItsTicketKeys(_ version: Int32) throws {
        let certificate = try material("one.test")
        let first = try Pair(try context([certificate]), host: "one.test", version: version)
        #expect(first.shakeHands() == (.done, .done))
        // TLS 1.3 sends the ticket behind the handshake, with the first bytes.
        #expect(first.server.write(Array("x".utf8).span) == .moved(1))
        #expect(first.client.receive() == "x")
        let session = try #require(first.client.session)
        defer { SSL_SESSION_free(session) }
        let same = try Pair(try context([certificate]), host: "one.test", version: version, session: session)
        #expect(same.shakeHands() == (.done, .done))
        #expect(same.server.isResumed && same.client.isResumed)
        let other = try Pair(try context([certificate], tickets: tickets(100)), host: "one.test", version: version, session: session)
        #expect(other.shakeHands() == (.done, .done))
        #expect(!other.server.isResumed)
    }

    @Test func bytesPassBothWaysAndTheGoodbyeIsSeen() throws {
        let pair = try Pair(try context([material("one.test")]), host: "one.test")
        #expect(pair.shakeHands() == (.done, .done))
        var queue = ByteQueue()
        #expect(pair.server.read(into: &queue, minimum: 100) == .wouldBlock)
        #expect(pair.client.send("hello") == 5)
        #expect(pair.client.send("again") == 5)
        #expect(pair.server.read(into: &queue, minimum: 100) == .moved(5))
        // Both records were read from the socket at once: the second lies where epoll does not see it.
        #expect(pair.server.hasPending)
        #expect(pair.server.read(into: &queue, minimum: 100) == .moved(5))
        #expect(pair.server.read(into: &queue, minimum: 100) == .wouldBlock)
        #expect(pair.server.write(Array("answer".utf8).span) == .moved(6))
        #expect(pair.client.receive() == "answer")
        SSL_shutdown(pair.client.ssl)
        #expect(pair.server.read(into: &queue, minimum: 100) == .ended)
        pair.server.shutdown()
    }

    @Test func whatOthersLeftInTheErrorQueueDoesNotEndAConnection() throws {
        let pair = try Pair(try context([material("one.test")]), host: "one.test")
        #expect(pair.shakeHands() == (.done, .done))
        // Asking for a certificate where there is none leaves an error in the thread's queue.
        let bio = try #require(BIO_new(BIO_s_mem()))
        defer { BIO_free(bio) }
        #expect(PEM_read_bio_X509(bio, nil, nil, nil) == nil)
        #expect(ERR_peek_error() != 0)
        var queue = ByteQueue()
        #expect(pair.server.read(into: &queue, minimum: 100) == .wouldBlock)
    }

    @Test func garbageFailsTheHandshakeAndNothingElse() throws {
        let pair = try Pair(try context([material("one.test")]), host: "one.test")
        _ = Sockets.write(pair.clientEnd, Array("GET / HTTP/1.1\r\n\r\n".utf8).span)
        #expect(pair.server.handshake() == .failed)
        var queue = ByteQueue()
        #expect(pair.server.write(Array("x".utf8).span) == .failed(0))
        pair.server.shutdown()
        _ = pair.server.read(into: &queue, minimum: 10)
    }

    @Test func aConnectionOutlivesTheContextItBeganWith() throws {
        var context: TLSContext? = try context([material("one.test"), material("two.test")])
        let pair = try Pair(context!, host: "two.test", protocols: ["h2"])
        context = nil
        #expect(pair.shakeHands() == (.done, .done))
        #expect(pair.client.serverName == "two.test" && pair.server.negotiatedProtocol == "h2")
    }
}
