import Access
import HTTP
import Testing

private let chromeAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

@Suite struct AudienceTests {
    @Test("GETs are told apart by their marks, in order", arguments: [
        // Fetch metadata goes first.
        ([("Sec-Fetch-Mode", "navigate")], true), ([("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Accept", "*/*")], true),
        ([("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")], true), ([("Sec-Fetch-Mode", "Navigate")], true),
        ([("Sec-Fetch-Mode", "navigate"), ("X-Requested-With", "XMLHttpRequest")], true),
        ([("Sec-Fetch-Mode", "cors"), ("Accept", chromeAccept)], false), ([("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image"), ("Accept", "text/html")], false),
        ([("Sec-Fetch-Mode", "same-origin"), ("Accept", "text/html")], false), ([("Sec-Fetch-Mode", "websocket"), ("Accept", "text/html")], false),
        ([("Sec-Fetch-Mode", ""), ("Accept", "text/html")], false), ([("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Mode", "cors"), ("Accept", "text/html")], false),
        ([("Sec-Fetch-Dest", "document")], true), ([("Sec-Fetch-Dest", "frame")], true), ([("Sec-Fetch-Dest", "empty"), ("Accept", "text/html")], false),
        ([("Sec-Fetch-Dest", "script"), ("Accept", "text/html")], false),
        // Then the marks of scripts.
        ([("X-Requested-With", "XMLHttpRequest"), ("Accept", "text/html, */*")], false), ([("X-Requested-With", "fetch"), ("Accept", "text/html")], false),
        ([("X-Requested-With", "com.tencent.wework"), ("Accept", chromeAccept)], true), ([("X-Requested-With", "com.tencent.wework"), ("Accept", "*/*")], false),
        ([("Upgrade", "websocket"), ("Accept", "text/html")], false), ([("Upgrade", "h2c"), ("Accept", "text/html")], false),
        ([("Upgrade-Insecure-Requests", "1"), ("Accept", "text/html")], true),
        ([("Content-Type", "application/grpc"), ("Accept", "text/html")], false), ([("Content-Type", "application/grpc-web+proto"), ("Accept", "text/html")], false),
        ([("Content-Type", "Application/gRPC+json"), ("Accept", "text/html")], false),
        // Then what it would take for an answer.
        ([], false), ([("Accept", "*/*")], false), ([("Accept", "text/html")], true), ([("Accept", chromeAccept)], true), ([("Accept", "TEXT/HTML;level=1")], true),
        ([("Accept", "application/json, text/html;q=0.1")], true), ([("Accept", "application/json"), ("Accept", "text/html")], true),
        ([("Accept", "text/html;q=0")], false), ([("Accept", "text/html; q=0.000, application/json")], false), ([("Accept", "text/*")], false),
        ([("Accept", "text/htmlx")], false), ([("Accept", "application/xhtml+xml")], false), ([("Accept", "application/json")], false), ([("Accept", "text/event-stream")], false),
        ([("Accept", "")], false), ([("Accept", ",,;,")], false), ([("Accept", "image/png, x/text/html")], false),
        ([("User-Agent", "Mozilla/5.0 wxwork/4.1")], false),
    ] as [([(String, String)], Bool)])
    func table(list: [(String, String)], isNavigation: Bool) {
        for method in ["GET", "HEAD"] { #expect(Audience.classify(head(method, list)) == (isNavigation ? .navigation : .call), "\(list)") }
        for method in ["POST", "PUT", "OPTIONS", "DELETE", "PROPFIND"] { #expect(Audience.classify(head(method, list)) == .call) }
        #expect(Audience.classify(head("GET", list, webSocket: true)) == .call)
    }

    @Test("a form that a person sent is told from a script's post", arguments: [
        ([("Sec-Fetch-Mode", "navigate"), ("Content-Type", "application/x-www-form-urlencoded")], true),
        ([("Accept", chromeAccept), ("Content-Type", "multipart/form-data; boundary=x")], true), ([("Accept", chromeAccept), ("Content-Type", "text/plain")], true),
        ([("Accept", chromeAccept), ("Content-Type", "application/json")], false), ([("Accept", chromeAccept)], false),
        ([("Sec-Fetch-Mode", "cors"), ("Content-Type", "application/x-www-form-urlencoded")], false),
        ([("X-Requested-With", "XMLHttpRequest"), ("Accept", "text/html"), ("Content-Type", "application/x-www-form-urlencoded")], false),
        ([("Accept", "text/html"), ("Content-Type", "text/plainer")], false),
    ] as [([(String, String)], Bool)])
    func forms(list: [(String, String)], expected: Bool) {
        #expect(Audience.isFormPost(head("POST", list, body: .exactly(3))) == expected)
        #expect(!Audience.isFormPost(head("PUT", list, body: .exactly(3))))
    }
}

@Suite struct BrowserMarksTests {
    let origin = Origin(host: "wiki.corp.example")
    let other = Origin(host: "wiki.corp.example", port: 8443)

    @Test("only real preflights are preflights")
    func preflight() {
        let marks = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "PUT")]
        #expect(BrowserMarks.isPreflight(head("OPTIONS", marks)))
        #expect(!BrowserMarks.isPreflight(head("GET", marks)))
        #expect(!BrowserMarks.isPreflight(head("OPTIONS", marks, body: .exactly(1))))
        #expect(!BrowserMarks.isPreflight(head("OPTIONS", marks, body: .chunked)))
        #expect(!BrowserMarks.isPreflight(head("OPTIONS", [marks[0]])))
        #expect(!BrowserMarks.isPreflight(head("OPTIONS", [marks[1]])))
        #expect(!BrowserMarks.isPreflight(head("OPTIONS", marks + [marks[0]])))
    }

    @Test("frames", arguments: [("iframe", true), ("frame", true), ("object", true), ("embed", true), ("document", false), ("", false)])
    func frames(dest: String, expected: Bool) {
        #expect(BrowserMarks.isFrame(fields([("Sec-Fetch-Dest", dest)])) == expected)
        #expect(!BrowserMarks.isFrame(fields([])))
    }

    @Test("what changes something comes from the same origin", arguments: [
        ([("Origin", "https://wiki.corp.example")], true), ([("Origin", "https://wiki.corp.example"), ("Sec-Fetch-Site", "cross-site")], true),
        ([("Sec-Fetch-Site", "same-origin")], true), ([("Sec-Fetch-Site", "same-site")], false), ([("Sec-Fetch-Site", "none")], false), ([], false),
        ([("Origin", "null")], false), ([("Origin", "null"), ("Sec-Fetch-Site", "same-origin")], false), ([("Origin", "")], false),
        ([("Origin", "http://wiki.corp.example")], false), ([("Origin", "https://wiki.corp.example:8443")], false), ([("Origin", "https://wiki.corp.example.evil.test")], false),
        ([("Origin", "https://evil.test"), ("Sec-Fetch-Site", "same-origin")], false),
        ([("Origin", "https://wiki.corp.example"), ("Origin", "https://wiki.corp.example")], false),
        ([("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")], false), ([("Referer", "https://wiki.corp.example/")], false),
    ] as [([(String, String)], Bool)])
    func sameOrigin(list: [(String, String)], expected: Bool) {
        #expect(BrowserMarks.isSameOrigin(fields(list), origin) == expected)
        #expect(BrowserMarks.isSameOrigin(fields([("Origin", "https://wiki.corp.example:8443")]), other))
    }

    @Test("a form of the site's own is known by the first mark that is there", arguments: [
        ([], false), ([("Sec-Fetch-Site", "same-origin")], true), ([("Sec-Fetch-Site", "same-origin"), ("Origin", "null")], true),
        ([("Sec-Fetch-Site", "same-site"), ("Origin", "https://wiki.corp.example")], false), ([("Sec-Fetch-Site", "cross-site"), ("Referer", "https://wiki.corp.example/")], false),
        ([("Sec-Fetch-Site", "none"), ("Referer", "https://wiki.corp.example/")], false), ([("Sec-Fetch-Site", ""), ("Origin", "https://wiki.corp.example")], false),
        ([("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin")], false), ([("Origin", "https://wiki.corp.example")], true),
        ([("Origin", "null"), ("Referer", "https://wiki.corp.example/")], false), ([("Origin", "https://evil.test"), ("Referer", "https://wiki.corp.example/")], false),
        ([("Origin", "https://wiki.corp.example:8443")], false), ([("Origin", "https://wiki.corp.example"), ("Origin", "https://wiki.corp.example")], false),
        ([("Referer", "https://wiki.corp.example/edit?x=1")], true), ([("Referer", "https://wiki.corp.example")], false),
        ([("Referer", "https://wiki.corp.example.evil.test/")], false), ([("Referer", "https://evil.test/https://wiki.corp.example/")], false),
        ([("Referer", "https://wiki.corp.example/"), ("Referer", "https://wiki.corp.example/")], false),
    ] as [([(String, String)], Bool)])
    func ownForm(list: [(String, String)], expected: Bool) {
        #expect(BrowserMarks.isOwnForm(fields(list), of: origin) == expected)
    }

    @Test("a WebSocket comes from the site, a trusted origin, or no browser", arguments: [
        ([], true), ([("Origin", "https://wiki.corp.example")], true), ([("Origin", "HTTPS://Wiki.corp.example")], true), ([("Origin", "https://app.corp.example")], true),
        ([("Origin", "https://evil.test")], false), ([("Origin", "null")], false), ([("Origin", "")], false), ([("Origin", "https://wiki.corp.example:8443")], false),
        ([("Origin", "http://wiki.corp.example")], false), ([("Origin", "https://wiki.corp.example"), ("Origin", "https://evil.test")], false),
    ] as [([(String, String)], Bool)])
    func webSocket(list: [(String, String)], expected: Bool) {
        #expect(BrowserMarks.mayOpenWebSocket(fields(list), origin, trusted: ["https://app.corp.example"]) == expected)
    }
}
