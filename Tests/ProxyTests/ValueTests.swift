import Access
import EventLoop
import HTTP
import Telemetry
import Testing

@testable import Proxy

@Suite struct OwnPathTests {
    @Test(arguments: ["/.menwei", "/.menwei/", "/.menwei/login", "/.menwei/x/y"])
    func theGatewaysOwnCornerIsItsOwn(_ path: String) {
        let isOwn = OwnPaths.contains(Array(path.utf8).span)
        #expect(isOwn)
    }

    @Test(arguments: ["/", "/.", "/.menweix", "/.menwe", "/a/.menwei", "/.Menwei/login", "/xmenwei/", "/robots.txt"])
    func everythingElseIsTheSites(_ path: String) {
        let isOwn = OwnPaths.contains(Array(path.utf8).span)
        #expect(!isOwn)
    }
}

@Suite struct RouterTests {
    private func router() throws -> (Router, EventLoop) {
        let loop = try EventLoop()
        func site(_ id: String, _ host: String, _ path: String, ignoreCase: Bool = false) -> SiteOptions {
            var site = SiteOptions(id: id, origin: Origin(host: host), upstreams: [UpstreamAddress(host: "127.0.0.1", port: 1, text: "")])
            site.path = path
            site.ignoreCase = ignoreCase
            return site
        }
        let options = [site("root", "a.test", "/"), site("docs", "a.test", "/docs"), site("deep", "a.test", "/docs/deep"), site("iis", "b.test", "/App", ignoreCase: true)]
        let metrics = Metrics(version: "", commit: "").shard(sites: options.map(\.id))
        let recorder = Recorder(output: -1, diagnostics: -1)
        let sites = options.enumerated().map { Site($1, index: $0, on: loop, health: UpstreamHealth(sites: options.count), metrics: metrics, recorder: recorder) }
        return (Router(auth: Origin(host: "auth.test"), sites: sites), loop)
    }

    @Test(arguments: [
        ("a.test", "/", "root"), ("a.test", "/docsx", "root"), ("a.test", "/docs", "docs"), ("a.test", "/docs/", "docs"), ("a.test", "/docs/deeper", "docs"),
        ("a.test", "/docs/deep/x", "deep"), ("A.TEST", "/Docs", "root"), ("a.test:443", "/docs/x", "docs"), ("b.test", "/app/x", "iis"), ("b.test", "/APP", "iis"),
    ])
    func theLongestPathAtASegmentBorderWins(_ authority: String, _ path: String, _ id: String) throws {
        var (router, loop) = try router()
        let found = router.origin(for: Array(authority.utf8)[...])?.site(for: Array(path.utf8).span)
        #expect(found?.options.id == id)
        withExtendedLifetime(loop) {}
    }

    @Test func whatNobodyHasIsNobodys() throws {
        var (router, loop) = try router()
        for authority in ["c.test", "a.test.", "a.test:8443", "", "a.test:", "[::1]", "a.test:99999"] {
            let found = router.origin(for: Array(authority.utf8)[...])
            #expect(found == nil)
        }
        let table = router.origin(for: Array("b.test".utf8)[...])
        let site = table?.site(for: Array("/other".utf8).span)
        #expect(table?.isAuth == false && site == nil)
        let auth = router.origin(for: Array("auth.test".utf8)[...])
        let lobby = auth?.site(for: Array("/".utf8).span)
        #expect(auth?.isAuth == true && lobby == nil)
        withExtendedLifetime(loop) {}
    }
}

@Suite struct RequestIDTests {
    @Test func idsAre32HexDigitsAndDiffer() {
        var generator = RequestIDGenerator(seed: (1, 2, 3, 4))
        let ids = (0..<1000).map { _ in generator.next().text }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.utf8.count == 32 && $0.allSatisfy { $0.isHexDigit && !$0.isUppercase } })
    }

    @Test func aSeedOfZerosStillMakesIDs() {
        var generator = RequestIDGenerator(seed: (0, 0, 0, 0))
        let first = generator.next(), second = generator.next()
        #expect(first != second)
    }
}

@Suite struct UpstreamResolverTests {
    @Test func anAddressThatRefusedComesLastNextTime() throws {
        let loop = try EventLoop()
        let resolver = UpstreamResolver(UpstreamAddress(host: "127.0.0.1", port: 7, text: ""), on: loop)
        var found: SocketAddress?
        resolver.resolve { found = $0 }
        #expect(found == SocketAddress(literal: "127.0.0.1", port: 7))
        #expect(resolver.choices == 1)
        // The only one there is stays.
        resolver.avoid(SocketAddress(literal: "127.0.0.1", port: 7)!)
        resolver.resolve { found = $0 }
        #expect(found == SocketAddress(literal: "127.0.0.1", port: 7))
    }
}

@Suite struct HeldAnswersTests {
    @Test func theyAreCrowdedWhileAllConnectionsTogetherHoldMoreThanTheLimit() {
        var held = HeldAnswers(limit: 1000)
        held.changed(from: 0, to: 600)
        held.changed(from: 0, to: 400)
        #expect(held.bytes == 1000 && !held.isCrowded)
        held.changed(from: 400, to: 401)
        #expect(held.isCrowded)
        held.changed(from: 600, to: 0)
        held.changed(from: 401, to: 0)
        #expect(held.bytes == 0 && !held.isCrowded)
    }
}
