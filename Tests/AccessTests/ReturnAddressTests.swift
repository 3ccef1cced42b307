import Access
import Foundation
import HTTP
import Testing

private let app = Origin(host: "app.test")
private let configured: Set<Origin> = [app, Origin(host: "auth.test"), Origin(host: "wiki.test", port: 8443)]

private func judge(_ raw: String?, path: Bool = true) -> ReturnAddress {
    ReturnAddress(raw, givenTo: app, configured: configured, allowsPath: path)
}

@Suite struct ReturnAddressTests {
    @Test("addresses at configured origins are kept byte for byte", arguments: [
        "https://app.test/", "https://app.test", "https://app.test/a?b=1#/route?x", "https://app.test?x=1", "https://app.test#f", "https://wiki.test:8443/x",
        "https://app.test:443/a", "https://app.test/a%2Fb%3F?x=%00&y=https://evil.test#@evil", "https://app.test/?q=//evil.test/..", "https://app.test/%E5%BC%A0?a+b",
        "https://app.test/.menweix", "https://app.test/x/.menwei/logout", "https://app.test/.menwei/home", "https://app.test/.menwei/home?a=b#c", "https://app.test//a",
        "https://app.test/%252e%252e/admin", "https://auth.test/x", "https://app.test/a..b/.c", "https://app.test/%B9%DC", "https://app.test/a;x=1/b",
    ])
    func good(raw: String) {
        let address = judge(raw, path: false)
        #expect(address.url == raw && !address.isFallback)
        #expect(configured.contains(address.origin))
        #expect(address.url.hasPrefix(address.origin.text) || address.url.hasPrefix(address.origin.text + ":443"))
    }

    @Test("on a site's own login a path will do", arguments: ["/", "/a", "/a?b#c", "/.menwei/home", "/a//b", "/%2F/evil.test", "/a@evil.test", "/a:b"])
    func paths(raw: String) {
        #expect(judge(raw).url == "https://app.test" + raw && !judge(raw).isFallback)
        #expect(judge(raw, path: false).isFallback)
    }

    @Test("nothing leads out", arguments: [
        // Families of payloads for open redirects.
        "", "evil.test", "//evil.test", "///evil.test", "////evil.test", "//evil.test/%2f..", "/\\evil.test", "\\\\evil.test", "\\/evil.test", "/\\/evil.test",
        "/%09/evil.test", "/%0d%0a//evil.test", "/%0a/evil.test", "/\t/evil.test", "/\r\n//evil.test", "/\u{0}/evil.test", "/%00/evil.test", "/%5cevil.test", "/%5C%5Cevil.test",
        "/..//evil.test", "/../evil.test", "/./\\evil.test", "/.//evil.test", "/%2e%2e//evil.test", "/%2e//evil.test", "/a/..;/evil", "/..%2f..%2fevil",
        "https:evil.test", "https:/evil.test", "https:///evil.test", "https:\\\\evil.test", "https:app.test/", "https:/app.test/", "HTTPS://app.test/", "http://app.test/",
        "http://evil.test", "https://evil.test", "https://app.test@evil.test", "https://app.test:443@evil.test/", "https://user@app.test/", "https://@app.test/",
        "https://app.test%40evil.test/", "https://app.test.evil.test", "https://evil.test/app.test", "https://evil.test#app.test", "https://evil.test#@app.test/",
        "https://evil.test?app.test", "https://evil.test\\@app.test/", "https://evil.test\\.app.test", "https://app.test\\evil.test", "https://app.test\\@evil.test",
        "https://app.test:8443/", "https://wiki.test/", "https://app.test:/", "https://app.test:0443/", "https://app.test:65979/", "https://app.test:+443/", "https://app.test:443:443/",
        "https://app.test./", "https://APP.test/", "https://[app.test]/", "https://app。test/", "https://app.test\u{200B}/", "https:// app.test/", " https://app.test/",
        "https://app.test/ ", "https://app.test/a b", "https://app.test/\n", "https://app.test/é", "/〵evil.test", "/é", "javascript:alert(1)", "JavaScript:alert(1)",
        "javascript://app.test/%0aalert(1)", "data:text/html,x", "vbscript:x", "ftp://app.test/", "wss://app.test/", "blob:https://app.test/x", "//app.test/", "//app.test@evil.test",
        "https://", "https:///", "https://?", "https://#", "?x", "#x", "a/b", ".", "..", "https://app.test%2eevil.test/", "https://evil.test%2f@app.test/", "https://evil.test%23@app.test/",
        "https://app.test&evil.test/", "https://app.test;evil.test/", "https://app.test,evil.test/", "https://xapp.test/", "https://app.testx/", "view-source:https://app.test/",
        // The gateway's own paths, in any spelling.
        "/.menwei", "/.menwei/", "/.menwei/logout", "/.menwei/home/", "/.menwei/home/x", "/.menwei//home", "//.menwei/logout", "https://app.test//.menwei/logout",
        "https://app.test/.menwei/logout", "https://app.test/.menwei/finish?ticket=x", "/%2emenwei/logout", "/.%6Denwei/logout", "/%2Emenwei/home", "/.MENWEI/logout", "/.menwei%2Flogout",
        "%2F.menwei/logout", "/%2F.menwei/logout", "/.menwei;x/logout", "/.menwei%3Bx/logout", "/x/../.menwei/logout", "/x/%2e%2e/.menwei/logout", "/./.menwei/logout", "/;x/.menwei/logout",
        "/.menwei?x", "/.menwei#x", "/.menwei/home;x", "https://auth.test/.menwei/login?return=https://app.test/", "/%",  "/%2", "/%zz", "/%7f", "/%1F",
    ])
    func bad(raw: String) {
        for path in [true, false] {
            let address = judge(raw, path: path)
            #expect(address.url == "https://app.test/" && address.isFallback && address.origin == app, "\(raw)")
        }
    }

    @Test("encoded twice, a way out stays a mere path", arguments: ["/%252f%252fevil.test", "/%255cevil.test", "/%252e%252e/x"])
    func twice(raw: String) { #expect(judge(raw).url == "https://app.test" + raw) }

    @Test("none, and an endless one, fall back")
    func bounds() {
        #expect(judge(nil).url == "https://app.test/")
        let longest = "/" + String(repeating: "a", count: ReturnAddress.limit - 1)
        #expect(!judge(longest).isFallback)
        #expect(judge(longest + "a").isFallback)
        #expect(ReturnAddress("x", givenTo: Origin(host: "wiki.test", port: 8443), configured: configured, allowsPath: true).url == "https://wiki.test:8443/")
    }

    /// Pieces that parsers of addresses disagree about, put together at random; another parser (Foundation's) has the last word.
    @Test("whatever is put together, it leads to a configured origin and not to the gateway's own paths", arguments: [1, 2, 3, 4] as [UInt64])
    func random(seed: UInt64) throws {
        let pieces = [
            "https:", "http:", "/", "//", "\\", "@", ":", ":443", ":8443", "app.test", "wiki.test", "evil.test", ".", "..", "%2e", "%2f", "%2F", "%5c", "%00", "%25", "%",
            "?", "#", ";", "&", "=", ".menwei", "%2Emenwei", "/home", "x", "[", "]", "\t", "\n", " ", "\u{FF0F}", "https://app.test", "https://wiki.test:8443",
        ]
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var kept = 0
        for _ in 0..<5000 {
            let raw = (0..<(1 + next(7))).map { _ in pieces[next(pieces.count)] }.joined()
            let address = judge(raw, path: next(2) == 0)
            let parts = try #require(URLComponents(string: address.url), "\(raw)")
            #expect(parts.scheme == "https" && parts.user == nil && parts.password == nil, "\(raw)")
            #expect(configured.contains(Origin(host: parts.host ?? "", port: UInt16(parts.port ?? 443))), "\(raw)")
            let path = parts.percentEncodedPath.removingPercentEncoding ?? parts.percentEncodedPath
            let first = path.split(separator: "/").first.map { $0.prefix { $0 != ";" } } ?? ""
            #expect(first.lowercased() != ".menwei" || path == "/.menwei/home", "\(raw)")
            kept += address.isFallback ? 0 : 1
        }
        #expect(kept > 50, "the pieces also make good addresses")
    }
}
