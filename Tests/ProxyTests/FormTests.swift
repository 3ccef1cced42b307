import Access
import Bytes
import Testing

@testable import Proxy

/// Forms that come without a session, and those that are given back.
@Suite(.timeLimit(.minutes(5))) struct FormTests {
    static let marks = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin", "Content-Type: application/x-www-form-urlencoded"]
    static let key = String(repeating: "k", count: 43)

    private func send(_ client: Socket, _ body: String, cookie: Bool = false, marks: [String] = FormTests.marks) {
        var text = "POST /save HTTP/1.1\r\nHost: wiki.test\r\n"
        if cookie { text += "Cookie: __Host-menwei=\(Sample.cookie)\r\n" }
        text += marks.map { $0 + "\r\n" }.joined() + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
        client.send(text)
    }

    @Test func onlyFormsOfTheSitesOwnAreAskedAbout() throws {
        let gateway = try TestGateway()
        let client = gateway.client()
        send(client, "a=1")
        #expect(client.message().status == 401)
        gateway.onLoop { $0.portal.owner = FormOwner(sid: "s", connection: "corp", user: "zhangsan") }
        send(client, "a=1")
        let kept = client.message()
        #expect(kept.status == 303 && kept.text.contains("kept 3 of zhangsan"))
        send(client, "a=1", marks: ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site", FormTests.marks[2]])
        #expect(client.message().status == 401)
        send(client, "a=1", marks: ["Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin", FormTests.marks[2]])
        #expect(client.message().status == 401)
        client.send("POST /save HTTP/1.1\r\nHost: wiki.test\r\n\(FormTests.marks.joined(separator: "\r\n"))\r\nContent-Length: 1048577\r\n\r\n")
        let large = client.message()
        #expect(large.status == 413 && large.text.contains("formTooLarge(limit: 1048576)"))
    }

    @Test func whatIsGivenBackTakesThePlaceOfWhatAskedForIt() throws {
        let gateway = try TestGateway()
        gateway.signIn()
        let form = KeptForm(contentType: "multipart/form-data; boundary=b", referer: "https://wiki.test/edit", body: Array(repeating: 7, count: 200_000))
        gateway.onLoop { $0.portal.forms[FormTests.key] = form }
        let client = gateway.client()
        send(client, "menwei-kept-form=" + FormTests.key, cookie: true, marks: FormTests.marks + ["Referer: https://wiki.test/.menwei/finish?ticket=x"])
        let upstream = try #require(gateway.upstream.accept())
        let request = upstream.message()
        #expect(request.body == form.body && request.field("Content-Length") == "200000")
        #expect(request.field("Content-Type") == form.contentType && request.field("Referer") == form.referer)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(client.message().status == 200)
        // Once.
        send(client, "menwei-kept-form=" + FormTests.key, cookie: true)
        #expect(client.message().status == 410)
    }

    @Test func aFormThatNobodyTookIsThereAgain() throws {
        let gateway = try TestGateway { $0.upstreams = [UpstreamAddress(host: "127.0.0.1", port: 1, text: "http://127.0.0.1:1")] }
        gateway.signIn()
        let form = KeptForm(contentType: "text/plain", referer: nil, body: [1, 2, 3])
        gateway.onLoop { $0.portal.forms[FormTests.key] = form }
        let client = gateway.client()
        send(client, "menwei-kept-form=" + FormTests.key, cookie: true)
        #expect(client.message().status == 502)
        #expect(gateway.onLoop { $0.portal.forms[FormTests.key] } == form)
    }

    @Test func theRoomForFormsComesBack() {
        let room = FormRoom()
        var shares = (0..<40).compactMap { room.share(1 << 20, for: "\($0 / 5)") }
        #expect(shares.count == 32 && room.share(1, for: "other") == nil)
        shares.removeLast(2)
        #expect(room.free == 2 << 20 && room.share(2 << 20, for: "other") != nil)
    }
}
