import Access
import HTTP
import Testing

@Suite struct HostMappingTests {
    private let mapping = HostMapping(sent: "App.internal:8080", origin: Origin(host: "wiki.corp.example", port: 443))

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
        let mapping = HostMapping(sent: "app.internal", origin: Origin(host: "wiki.test", port: 8443))
        for text in ["http://app.internal/x", "http://app.internal:80/x", "https://app.internal:443/x", "http://app.internal:/x"] {
            #expect(mapping.location(Array(text.utf8)[...]) == Array("https://wiki.test:8443/x".utf8), "\(text)")
        }
    }

    @Test func aCookiesDomainBecomesTheSites() {
        #expect(cookie("a=b; Path=/; Domain=app.internal; Secure") == "a=b; Path=/; Domain=wiki.corp.example; Secure")
        #expect(cookie("a=b;domain = .APP.internal") == "a=b;domain =wiki.corp.example")
        for text in ["a=b", "a=b; Path=/", "a=b; Domain=other.internal", "a=b; Domain=internal", "domain=app.internal", "a=b; Domain"] {
            #expect(cookie(text) == nil, "\(text)")
        }
    }
}
