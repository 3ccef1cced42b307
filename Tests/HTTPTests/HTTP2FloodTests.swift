import Bytes
import HTTP
import Testing

@Suite struct HTTP2FloodTests {
    /// Feeds `round` with rising odd stream numbers until the connection ends; how many rounds that took.
    func endure(_ server: H2Server, at most: Int, _ round: (Int32) -> [UInt8]) -> Int {
        for i in 0..<most {
            do { try server.receive(round(Int32(2 * i + 1))) } catch { return i }
            _ = server.output()
            _ = server.session.takeEvents()
        }
        return most
    }

    @Test func rapidResetEndsWithEnhanceYourCalm() {
        let server = H2Server()
        var seen = 0
        var rounds = 0
        var failed = false
        while rounds < 1000, !failed {
            let stream = Int32(2 * rounds + 1)
            do { try server.receive(H2.headers(stream, H2.get()) + H2.frame(.reset, stream: stream, H2.word(8))) } catch { failed = true }
            seen += server.session.takeEvents().count
            rounds += 1
        }
        #expect(failed)
        #expect(rounds == 201)
        #expect(seen == 0, "requests withdrawn in the same breath reach nobody; \(seen) did")
        #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm)
        #expect(server.session.wantsIO == (false, false))
    }

    @Test func leavingAPageNowAndThenIsFine() {
        let server = H2Server()
        for round in 0..<50 {
            for i in 0..<20 {
                let stream = Int32(2 * (round * 20 + i) + 1)
                server.feed(H2.headers(stream, H2.get()))
                #expect(server.feed(H2.frame(.reset, stream: stream, H2.word(8))).words == ["reset \(stream) 8", "closed \(stream)"])
            }
            server.now = server.now.advanced(by: 1_000_000_000)
        }
        #expect(server.session.wantsIO.read)
    }

    @Test func resetsThatTheClientProvokesAreCounted() {
        let server = H2Server()
        let rounds = endure(server, at: 1000) { H2.headers($0, H2.post(), end: false) + H2.frame(.windowUpdate, stream: $0, H2.word(0x7FFF_FFFF)) }
        #expect(rounds <= 102)
        #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm || !server.session.wantsIO.read)
    }

    @Test func malformedHeadsAreCounted() {
        let server = H2Server()
        let rounds = endure(server, at: 1000) { H2.headers($0, H2.get("/", [("te", "gzip")])) }
        #expect(rounds <= 102)
    }

    @Test func resetsThatTheGatewayWantsAreNot() {
        let server = H2Server()
        for i in 0..<300 {
            let stream = Int32(2 * i + 1)
            server.feed(H2.headers(stream, H2.post(), end: false))
            server.session.reset(stream: stream, code: HTTP2ErrorCode.internalError)
            _ = server.output()
            #expect(server.session.takeEvents().words == ["closed \(stream)"])
        }
        #expect(server.session.wantsIO.read)
    }

    static let floods: [(String, HTTP2Abuse, [UInt8])] = [
        ("SETTINGS", .settings, H2.frame(.settings, [0, 4, 0, 0, 0xFF, 0xFF])),
        ("PING", .pings, H2.frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8])),
        ("empty DATA", .emptyData, H2.frame(.data, stream: 1)),
        ("DATA of padding alone", .emptyData, H2.frame(.data, flags: H2.padded, stream: 1, [2, 0, 0])),
        ("PRIORITY", .priority, H2.frame(.priority, stream: 3, [0, 0, 0, 0, 16])),
        ("PRIORITY_UPDATE", .priority, H2.frame(.priorityUpdate, H2.word(1) + Array("u=1".utf8))),
        ("WINDOW_UPDATE", .windowUpdates, H2.frame(.windowUpdate, H2.word(1))),
        ("GOAWAY", .unknownFrames, H2.frame(.goAway, H2.word(0) + H2.word(0))),
        ("acknowledgements of PING", .unknownFrames, H2.frame(.ping, flags: H2.ack, [1, 2, 3, 4, 5, 6, 7, 8])),
        ("frames of no known type", .unknownFrames, H2.frame(.odd, stream: 1, [0])),
    ]

    @Test(arguments: floods.indices)
    func floodsEndWithEnhanceYourCalm(index: Int) {
        let (what, abuse, frame) = Self.floods[index]
        let server = H2Server()
        server.feed(H2.headers(1, H2.post(), end: false))
        let rounds = endure(server, at: 10_000) { _ in frame }
        #expect(rounds <= 2001 && rounds >= 15, "\(what): \(rounds)")
        #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm, "\(what)")
        #expect(server.session.abuse == abuse, "\(what)")
        #expect(throws: ProtocolFault("h2-flood"), "\(what): nothing more is taken") { try server.receive(frame) }
    }

    @Test func emptyDataForAStreamThatWasCutIsCountedToo() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.post(), end: false))
        server.session.reset(stream: 1, code: HTTP2ErrorCode.cancel)
        _ = server.output()
        #expect(endure(server, at: 1000) { _ in H2.frame(.data, stream: 1) } <= 101)
        #expect(server.session.abuse == .emptyData)
    }

    @Test func refusalsThatNobodyReadsAreCounted() {
        // Who never acknowledges the limit of streams, and never reads, provokes refusals that wait.
        let server = H2Server()
        var rounds = 0
        for i in 0..<1000 {
            do { try server.receive(H2.headers(Int32(2 * i + 1), H2.post(), end: false)) } catch { break }
            rounds += 1
        }
        #expect(rounds <= 128 + 101)
        #expect(server.session.abuse == .ownResets)
        #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm)
    }

    @Test func framesThatNobodyReadsAreBounded() {
        var limits = HTTP2Limits()
        limits.unreadFrames = 50
        let server = H2Server(limits)
        #expect(throws: ProtocolFault("h2-flood")) {
            for i in 0..<100 {
                try server.receive(H2.headers(Int32(2 * i + 1), H2.get()))
                server.session.submitInformational(stream: Int32(2 * i + 1), status: 103)
            }
        }
        #expect(server.session.abuse == .unreadFrames)
    }

    @Test func resetsAreCountedAfterTheClientSaidGoodbye() {
        let server = H2Server()
        // With a stream open the connection goes on.
        server.feed(H2.headers(1, H2.post(), end: false) + H2.frame(.goAway, H2.word(0) + H2.word(0)))
        let rounds = endure(server, at: 1000) {
            H2.headers($0 + 2, H2.post(), end: false) + H2.frame(.windowUpdate, stream: $0 + 2, H2.word(0x7FFF_FFFF))
        }
        #expect(rounds <= 102)
        #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm || !server.session.wantsIO.read)
    }

    @Test func continuationsAreBounded() {
        for piece in [[], [UInt8](repeating: 0x82, count: 1)] {
            let server = H2Server()
            try? server.receive(H2.frame(.headers, flags: H2.endStream, stream: 1, [0x82]))
            #expect(endure(server, at: 100) { _ in H2.frame(.continuation, stream: 1, piece) } <= 9)
            #expect(server.session.abuse == .continuations)
            #expect(server.goAwayCode() == HTTP2ErrorCode.enhanceYourCalm)
        }
    }

    @Test func acknowledgementsThatNobodyReadsAreBounded() {
        var limits = HTTP2Limits()
        limits.frames.ping = .init(burst: 1 << 20, perSecond: 0)
        let server = H2Server(limits)
        #expect(throws: ProtocolFault("h2-flood")) {
            for _ in 0..<1000 { try server.receive(H2.frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8])) }
        }
    }

    @Test func windowUpdatesForWhatWasSentAreFree() {
        let server = H2Server()
        server.feed(H2.headers(1, H2.get()))
        server.session.submitHead(stream: 1, responseHead(200), endStream: false)
        for _ in 0..<5000 {
            server.session.send(stream: 1, [UInt8](repeating: 7, count: 100).span)
            #expect(!server.output().isEmpty)
            server.feed(H2.frame(.windowUpdate, H2.word(100)) + H2.frame(.windowUpdate, stream: 1, H2.word(100)))
        }
        #expect(server.session.wantsIO.read)
    }

    @Test func streamsAboveTheLimitAreRefused() {
        let server = H2Server()
        var heads = 0
        for i in 0..<140 { heads += server.feed(H2.headers(Int32(2 * i + 1), H2.post(), end: false)).count }
        #expect(heads == 128)
        #expect(server.session.openStreams == 128)
        #expect(server.resetCodes() == [UInt32](repeating: HTTP2ErrorCode.refusedStream, count: 12))
        // Who has acknowledged the limit has no excuse.
        server.feed(H2.frame(.settings, flags: H2.ack) + H2.headers(281, H2.get()))
        #expect(server.goAwayCode() == HTTP2ErrorCode.protocolError)
    }
}

@Suite struct HTTP2FrameBudgetTests {
    private func spent(_ expected: Bool, _ budget: inout HTTP2FrameBudget, _ kind: HTTP2FrameBudget.Kind) {
        let could = budget.spend(kind)
        #expect(could == expected)
    }

    @Test func aBudgetIsSpentAndRefilledByTheSecond() {
        var allowances = HTTP2FrameBudget.Allowances()
        allowances.ping = .init(burst: 3, perSecond: 2)
        var budget = HTTP2FrameBudget(allowances)
        budget.refill(now: MonotonicTime(nanoseconds: 5))
        let outcomes = (0..<4).map { _ in budget.spend(.ping) }
        #expect(outcomes == [true, true, true, false])
        budget.refill(now: MonotonicTime(nanoseconds: 999_999_999))
        spent(false, &budget, .ping)
        budget.refill(now: MonotonicTime(nanoseconds: 1_000_000_005))
        #expect(budget.left(.ping) == 2)
        budget.refill(now: MonotonicTime(nanoseconds: .max))
        #expect(budget.left(.ping) == 3, "never above the burst")
    }

    @Test func timeThatGoesBackEarnsNothing() {
        var allowances = HTTP2FrameBudget.Allowances()
        allowances.settings = .init(burst: 1, perSecond: 1)
        var budget = HTTP2FrameBudget(allowances)
        budget.refill(now: MonotonicTime(nanoseconds: 10_000_000_000))
        spent(true, &budget, .settings)
        budget.refill(now: MonotonicTime(nanoseconds: 0))
        spent(false, &budget, .settings)
    }

    @Test func kindsDoNotShare() {
        var allowances = HTTP2FrameBudget.Allowances()
        allowances.settings = .init(burst: 0, perSecond: 0)
        var budget = HTTP2FrameBudget(allowances)
        spent(false, &budget, .settings)
        spent(true, &budget, .ping)
    }

    @Test func earningStopsAtTheBurst() {
        var budget = HTTP2FrameBudget(.init())
        let full = budget.left(.windowUpdate)
        budget.earn(.windowUpdate, 5)
        #expect(budget.left(.windowUpdate) == full)
        spent(true, &budget, .windowUpdate)
        budget.earn(.windowUpdate, 1)
        #expect(budget.left(.windowUpdate) == full)
    }
}
