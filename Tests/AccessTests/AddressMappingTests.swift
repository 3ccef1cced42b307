import Access
import HTTP
import Testing

@Suite struct AddressMappingTests {
    private let mapping = AddressMapping(names: ["App.internal:8080"], origin: Origin(host: "wiki.corp.example", port: 443))

    private func location(_ text: String) -> String? { mapping.location(Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) } }
    private func cookie(_ text: String) -> String? { mapping.cookie(Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) } }

    @Test(arguments: [
        ("http://app.internal:8080/a?b#c", "https://wiki.corp.example/a?b#c"), ("https://APP.internal:8080", "https://wiki.corp.example"),
        ("//app.internal:8080/x", "https://wiki.corp.example/x"), ("HTTP://app.internal:8080?x", "https://wiki.corp.example?x"),
    ])
    func aLocationThatNamesTheUpstreamNamesTheSiteInstead(_ sent: String, _ expected: String) {
        #expect(location(sent) == expected)
    }

    @Test(arguments: [
        "/a", "a", "", "?x", "http://other.internal:8080/", "http://app.internal/", "http://app.internal:8081/", "http://app.internal:8080.evil.test/", "ftp://app.internal:8080/",
        "http://u@app.internal:8080/", "javascript:x", "http:/app.internal:8080/", "://app.internal:8080/",
    ])
    func everyOtherLocationStays(_ sent: String) {
        #expect(location(sent) == nil)
    }

    @Test func aDefaultPortIsNone() {
        let mapping = AddressMapping(names: ["app.internal"], origin: Origin(host: "wiki.test", port: 8443))
        for text in ["http://app.internal/x", "http://app.internal:80/x", "https://app.internal:443/x", "http://app.internal:/x"] {
            #expect(mapping.location(Array(text.utf8)[...]) == Array("https://wiki.test:8443/x".utf8), "\(text)")
        }
    }

    @Test func aCookiesDomainBecomesTheSites() {
        #expect(cookie("a=b; Path=/; Domain=app.internal; Secure") == "a=b; Path=/; Domain=wiki.corp.example; Secure")
        #expect(cookie("a=b;domain = .APP.internal") == "a=b;domain =wiki.corp.example")
        #expect(cookie("a=b; Domain=internal") == "a=b; Domain=wiki.corp.example", "what holds for the upstream's whole domain holds for the site")
        for text in ["a=b", "a=b; Path=/", "a=b; Domain=other.internal", "a=b; Domain=ternal", "a=b; Domain=corp.example", "a=b; Domain=", "domain=app.internal", "a=b; Domain"] {
            #expect(cookie(text) == nil, "\(text)")
        }
    }

    @Test("Refresh is mapped as Location is", arguments: [
        ("5; url=http://app.internal:8080/a", "5; url=https://wiki.corp.example/a"), ("0;URL='//app.internal:8080/a'", "0;URL='https://wiki.corp.example/a'"),
        ("0, url = \"http://app.internal:8080/a\" x", "0, url = \"https://wiki.corp.example/a\" x"), ("1;http://app.internal:8080/", "1;https://wiki.corp.example/"),
    ])
    func aRefresh(_ sent: String, _ expected: String) {
        #expect(mapping.refresh(Array(sent.utf8)[...]).map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test(arguments: ["5", "", ";", "5;", "5; url", "5; url=", "5; url=/a", "5; url='", "5; urlx=http://other/", "5; url=http://other/"]) func everyOtherRefreshStays(_ sent: String) {
        #expect(mapping.refresh(Array(sent.utf8)[...]) == nil)
    }
}

@Suite struct PrefixMappingTests {
    private let mapping = AddressMapping(names: ["127.0.0.1:8080"], origin: Origin(host: "corp.example", port: 8443), prefix: "/wiki")

    private func location(_ text: String) -> String? { mapping.location(Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) } }
    private func cookie(_ text: String) -> String? { mapping.cookie(Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) } }

    @Test("the path that was taken off comes back", arguments: [
        ("/", "/wiki/"), ("/a?b#c", "/wiki/a?b#c"), ("/?x", "/wiki/?x"), ("/wikix", "/wiki/wikix"), ("/x/wiki/a", "/wiki/x/wiki/a"),
        ("http://127.0.0.1:8080/a", "https://corp.example:8443/wiki/a"), ("http://127.0.0.1:8080", "https://corp.example:8443/wiki"),
        ("https://corp.example:8443/a", "https://corp.example:8443/wiki/a"), ("http://Corp.Example:8443/a", "https://corp.example:8443/wiki/a"),
        ("//corp.example:8443/a", "https://corp.example:8443/wiki/a"), ("https://corp.example:8443?x", "https://corp.example:8443/wiki?x"),
        ("http://127.0.0.1:8080/wiki/a", "https://corp.example:8443/wiki/a"), ("/\\evil.test", "/wiki/\\evil.test"), ("/%2Fx", "/wiki/%2Fx"),
    ])
    func back(_ sent: String, _ expected: String) { #expect(location(sent) == expected) }

    @Test(arguments: [
        "", "a", "../a", "?x", "#f", "/wiki", "/wiki/", "/wiki/a", "/wiki?x", "/wiki#f", "https://corp.example/a", "https://other.test/a", "//other.test/a", "mailto:a@b", "https:/a",
    ])
    func everyOtherLocationStays(_ sent: String) { #expect(location(sent) == nil) }

    @Test("cookies hold where the site is", arguments: [
        ("a=b; Path=/", "a=b; Path=/wiki"), ("a=b; path = /x; Secure", "a=b; path =/wiki/x; Secure"), ("a=b;PATH=/;Domain=127.0.0.1", "a=b;PATH=/wiki;Domain=corp.example"),
        ("__Secure-a=b; Path=/", "__Secure-a=b; Path=/wiki"),
    ])
    func cookies(_ sent: String, _ expected: String) { #expect(cookie(sent) == expected) }

    @Test(arguments: ["a=b", "a=b; Path", "a=b; Path=", "a=b; Path=x", "a=b; Path=/wiki", "a=b; Path=/wiki/x", "__Host-a=b; Path=/; Secure", "Path=/", "__HOST-a=b; Path=/", "a=b; Domain=corp.example"])
    func everyOtherCookieStays(_ sent: String) { #expect(cookie(sent) == nil) }

    @Test func aRefreshGetsItToo() {
        #expect(mapping.refresh(Array("0; url=/a".utf8)[...]) == Array("0; url=/wiki/a".utf8))
    }
}
