import Outbound
import Testing

private func caller(_ change: (inout CurlCaller.Options) -> Void = { _ in }) throws -> CurlCaller {
    var options = CurlCaller.Options()
    options.usesEnvironmentProxy = false
    change(&options)
    return try CurlCaller(options)
}

private func get(_ url: String, timeout: Duration = .seconds(20)) -> OutboundRequest { OutboundRequest(url: url, timeout: timeout) }

/// The reason why a call failed; nil where it did not.
private func failure(_ caller: CurlCaller, _ request: OutboundRequest) async -> OutboundFailure.Reason? {
    do {
        _ = try await caller.call(request)
        return nil
    } catch { return error.reason }
}

private func fixed(_ head: String, _ body: String = "") -> TinyServer.Behaviour {
    .bytes(Array("\(head)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
}

@Suite(.timeLimit(.minutes(5))) struct CurlCallerTests {
    @Test func `an answer comes back with status and body`() async throws {
        let server = try TinyServer(fixed("HTTP/1.1 200 OK\r\nContent-Type: application/json", "{\"errcode\":0}"))
        let response = try await caller().call(get(server.url("/cgi-bin/gettoken?corpid=x")))
        #expect(response.status == 200)
        #expect(String(decoding: response.body, as: UTF8.self) == "{\"errcode\":0}")
    }

    @Test(arguments: [404, 500, 502]) func `an error status is an answer too`(_ status: Int) async throws {
        let server = try TinyServer(fixed("HTTP/1.1 \(status) No", "x"))
        #expect(try await caller().call(get(server.url())).status == status)
    }

    @Test func `the request says what it must and no more`() async throws {
        let server = try TinyServer(.echo)
        let response = try await caller().call(get(server.url("/a?b=%20c")))
        #expect(
            String(decoding: response.body, as: UTF8.self)
                == "GET /a?b=%20c HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nUser-Agent: menwei\r\nAccept: application/json\r\n\r\n")
    }

    @Test(arguments: ["", "{\"user_ticket\":\"t\"}", String(repeating: "x", count: 100_000)])
    func `a body is posted as it is`(_ body: String) async throws {
        let server = try TinyServer(.echo)
        let response = try await caller().call(OutboundRequest(method: .post, url: server.url("/p"), body: Array(body.utf8), timeout: .seconds(20)))
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(text.hasPrefix("POST /p HTTP/1.1\r\n"))
        #expect(text.contains("\r\nContent-Type: application/json\r\n"))
        #expect(text.contains("\r\nContent-Length: \(body.utf8.count)\r\n"))
        #expect(text.hasSuffix("\r\n\r\n" + body))
        #expect(!text.contains("Expect"))
    }

    @Test func `a connection is used again`() async throws {
        let server = try TinyServer(fixed("HTTP/1.1 200 OK", "x"))
        let caller = try caller()
        for _ in 0..<20 { #expect(try await caller.call(get(server.url())).status == 200) }
        #expect(server.connections == 1)
    }

    @Test func `a redirect is not followed`() async throws {
        let other = try TinyServer(fixed("HTTP/1.1 200 OK"))
        let server = try TinyServer(fixed("HTTP/1.1 302 Found\r\nLocation: \(other.url())"))
        #expect(try await caller().call(get(server.url())).status == 302)
        #expect(other.connections == 0)
    }

    @Test func `a server that says nothing ends in a time limit`() async throws {
        let server = try TinyServer(.silence)
        #expect(await failure(try caller(), get(server.url(), timeout: .milliseconds(50))) == .timeout)
    }

    @Test func `a slow call does not hold up another`() async throws {
        let silent = try TinyServer(.silence)
        let server = try TinyServer(fixed("HTTP/1.1 200 OK"))
        let caller = try caller()
        async let slow = failure(caller, get(silent.url(), timeout: .seconds(20)))
        #expect(try await caller.call(get(server.url())).status == 200)
        caller.close()
        #expect(await slow == .aborted)
    }

    @Test(arguments: ["Content-Length: 20000000", "Transfer-Encoding: identity", "X: y"])
    func `a body over the limit is a failure, announced or not`(_ field: String) async throws {
        let server = try TinyServer(.endless(head: "HTTP/1.1 200 OK\r\n\(field)\r\n\r\n"))
        #expect(await failure(try caller(), get(server.url())) == .tooLarge)
    }

    @Test func `a body of just the limit is fine`() async throws {
        let server = try TinyServer(fixed("HTTP/1.1 200 OK", String(repeating: "x", count: 1000)))
        #expect(try await caller { $0.bodyLimit = 1000 }.call(get(server.url())).body.count == 1000)
        #expect(await failure(try caller { $0.bodyLimit = 999 }, get(server.url())) == .tooLarge)
    }

    @Test func `a header without end is a failure`() async throws {
        let fields = String(repeating: "X: " + String(repeating: "y", count: 1000) + "\r\n", count: 100)
        let server = try TinyServer(fixed("HTTP/1.1 200 OK\r\n" + fields + "Z: z"))
        #expect(await failure(try caller(), get(server.url())) == .tooLarge)
    }

    @Test(arguments: ["\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "<html></html>\r\n\r\n"])
    func `what is not HTTP is malformed`(_ garbage: String) async throws {
        let server = try TinyServer(.bytes(Array(garbage.utf8)))
        #expect(await failure(try caller(), get(server.url())) == .malformed)
    }

    @Test func `a server that hangs up is unreachable`() async throws {
        let server = try TinyServer(.hangUp)
        #expect(await failure(try caller(), get(server.url())) == .unreachable)
    }

    @Test func `a body that stops half way is a failure, not a short answer`() async throws {
        let server = try TinyServer(.bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc".utf8)))
        #expect(await failure(try caller(), get(server.url(), timeout: .milliseconds(200))) == .timeout)
    }

    @Test func `a port that nobody listens on is unreachable`() async throws {
        var port: UInt16 = 0
        do { port = try TinyServer(.hangUp).port }
        #expect(await failure(try caller(), get("http://127.0.0.1:\(port)/")) == .unreachable)
    }

    @Test func `a name that nobody has is unreachable`() async throws {
        #expect(await failure(try caller(), get("http://no-such-host.invalid/")) == .unreachable)
    }

    @Test(arguments: ["", "x", "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://", "http://a\u{0}b/", "http://a b/"])
    func `only http and https are called`(_ url: String) async throws {
        #expect(await failure(try caller(), get(url, timeout: .seconds(2))) == .badRequest)
    }

    @Test func `closing ends what waits and refuses what comes`() async throws {
        let server = try TinyServer(.silence)
        let caller = try caller()
        let reasons = await withTaskGroup(of: OutboundFailure.Reason?.self) { group in
            for _ in 0..<50 { group.addTask { await failure(caller, get(server.url())) } }
            caller.close()
            caller.close()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(reasons == Array(repeating: .aborted, count: 50))
        #expect(await failure(caller, get(server.url())) == .aborted)
    }

    @Test func `too many at a time are refused`() async throws {
        let server = try TinyServer(.silence)
        let caller = try caller { $0.callLimit = 3 }
        let reasons = await withTaskGroup(of: OutboundFailure.Reason?.self) { group in
            for _ in 0..<10 { group.addTask { await failure(caller, get(server.url(), timeout: .seconds(3))) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(reasons.contains(.overloaded))
        #expect(reasons.contains(.timeout))
    }

    @Test func `many calls share few connections`() async throws {
        let server = try TinyServer(fixed("HTTP/1.1 200 OK", "x"))
        let caller = try caller { $0.connectionsPerHost = 4 }
        let fine = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<300 { group.addTask { await failure(caller, get(server.url())) == nil } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(fine == 300)
        #expect(server.connections <= 4)
    }

    @Test func `no text of a request or failure shows the address`() async throws {
        let request = get("http://127.0.0.1:1/?corpsecret=s3cret")
        var texts = "\(request) \(String(reflecting: request))"
        dump(request, to: &texts)
        do { _ = try await caller().call(request) } catch { texts += "\(error)" + String(reflecting: error) }
        #expect(!texts.contains("s3cret") && !texts.contains("127.0.0.1"))
    }

    @Test func `plain HTTP where TLS is wanted is a TLS failure`() async throws {
        let server = try TinyServer(.greeting(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)))
        #expect(await failure(try caller(), get(server.url(scheme: "https"))) == .tls)
    }
}
