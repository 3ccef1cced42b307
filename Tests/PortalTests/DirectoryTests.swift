import Bytes
import Outbound
import Portal
import Synchronization
import Testing
import WeCom

/// A WeCom of the test's own: answers each call by a script, and remembers what it was asked.
private final class FakeCaller: HTTPCaller {
    typealias Script = @Sendable (_ api: String, _ url: String, _ count: Int) -> Result<String, OutboundFailure>

    private struct Gate: Sendable {
        var isOpen = true
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let counts = Mutex<[String: Int]>([:])
    private let gate = Mutex(Gate())
    private let script: Script

    init(_ script: @escaping Script) { self.script = script }

    func count(_ api: String) -> Int { counts.withLock { $0[api, default: 0] } }

    /// From now on `gettoken` is not answered.
    func hold() { gate.withLock { $0.isOpen = false } }

    func release() {
        let waiting = gate.withLock { gate in
            gate.isOpen = true
            defer { gate.waiting = [] }
            return gate.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    func call(_ request: OutboundRequest) async throws(OutboundFailure) -> OutboundResponse {
        let path = request.url.split(separator: "?")[0]
        let api = String(path.dropFirst("https://qyapi.weixin.qq.com/cgi-bin/".count))
        let count = counts.withLock { counts in
            counts[api, default: 0] += 1
            return counts[api, default: 0]
        }
        if api == "gettoken" {
            await withCheckedContinuation { continuation in
                let isOpen = gate.withLock { gate in
                    if !gate.isOpen { gate.waiting.append(continuation) }
                    return gate.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }
        return OutboundResponse(status: 200, body: Array(try script(api, request.url, count).get().utf8))
    }
}

/// Time and pauses of the test's own, and the calls as the metrics see them.
private final class Bench: Sendable {
    let time = Mutex<UInt64>(1_000_000_000)
    let pauses = Mutex<[Duration]>([])
    let calls = Mutex<[String]>([])

    func directory(_ caller: FakeCaller, _ change: (inout WeComApp) -> Void = { _ in }) -> Directory {
        var app = WeComApp(corpID: "ww01", agentID: 1_000_002, secret: "s3cret")
        change(&app)
        var surroundings = Directory.Surroundings { api, errcode in
            self.calls.withLock { $0.append("\(api) \(errcode.map(String.init) ?? "-")") }
        }
        surroundings.now = { MonotonicTime(nanoseconds: self.time.withLock { $0 }) }
        surroundings.pause = { pause in self.pauses.withLock { $0.append(pause) } }
        surroundings.random = { 0.5 }
        return Directory(app, caller: caller, surroundings: surroundings)
    }
}

private let goodToken = #"{"errcode":0,"errmsg":"ok","access_token":"T1","expires_in":7200}"#
private let lisi = #"{"errcode":0,"errmsg":"ok","userid":"LiSi"}"#

/// The usual answers, but for one call.
private func wecom(_ special: String, _ script: @escaping FakeCaller.Script) -> FakeCaller {
    FakeCaller { api, url, count in
        if api == special { return script(api, url, count) }
        return switch api {
        case "gettoken": .success(#"{"errcode":0,"errmsg":"ok","access_token":"T\#(count)","expires_in":7200}"#)
        case "auth/getuserinfo": .success(lisi)
        case "user/get": .success(#"{"errcode":0,"errmsg":"ok","userid":"lisi","name":"李四","department":[2],"status":1}"#)
        default: .failure(OutboundFailure(.unreachable))
        }
    }
}

private func refusal(_ directory: Directory, code: String = "c0de") async -> LoginRefusal? {
    do {
        _ = try await directory.logIn(code: code, visibleRangeOnly: true)
        return nil
    } catch { return error }
}

@Suite(.timeLimit(.minutes(5))) struct DirectoryTests {
    private let bench = Bench()

    @Test func `a code becomes a member with name and departments`() async throws {
        let caller = wecom("") { _, _, _ in .success("") }
        let member = try await bench.directory(caller).logIn(code: "c0de", visibleRangeOnly: true)
        #expect(member.user == "LiSi")
        #expect(member.name == "李四")
        #expect(member.departments == [2])
        #expect(bench.calls.withLock { $0 } == ["gettoken 0", "auth/getuserinfo 0", "user/get 0"])
    }

    @Test func `a thousand at once fetch one token`() async throws {
        let caller = wecom("") { _, _, _ in .success("") }
        caller.hold()
        let directory = bench.directory(caller)
        let found = await withTaskGroup(of: Identity?.self) { group in
            for number in 0..<1000 { group.addTask { try? await directory.identify(code: "c\(number)") } }
            // Until most of them wait: the fetch is under way, and nobody started a second one.
            while caller.count("gettoken") == 0 { await Task.yield() }
            for _ in 0..<1000 { await Task.yield() }
            caller.release()
            return await group.reduce(into: [:]) { $0[$1 == .member(user: "LiSi"), default: 0] += 1 }
        }
        #expect(found == [true: 1000])
        #expect(caller.count("gettoken") == 1)
        #expect(caller.count("auth/getuserinfo") == 1000)
    }

    @Test func `a thousand with one refused token fetch one new token`() async throws {
        let caller = wecom("auth/getuserinfo") { _, url, _ in .success(url.contains("access_token=T1&") ? #"{"errcode":42001}"# : lisi) }
        let directory = bench.directory(caller)
        let found = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<1000 { group.addTask { (try? await directory.identify(code: "c\(number)")) == .member(user: "LiSi") } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(found == 1000)
        #expect(caller.count("gettoken") == 2)
    }

    @Test(arguments: [40014, 42001, 41001]) func `a refused token is replaced and the call repeated once`(_ code: Int) async throws {
        let caller = wecom("auth/getuserinfo") { _, url, count in .success(count == 1 ? #"{"errcode":\#(code)}"# : url.contains("T2") ? lisi : "") }
        #expect(try await bench.directory(caller).identify(code: "c") == .member(user: "LiSi"))
        #expect(caller.count("gettoken") == 2)

        let stubborn = wecom("auth/getuserinfo") { _, _, _ in .success(#"{"errcode":\#(code)}"#) }
        #expect(await refusal(bench.directory(stubborn))?.error == WeComError(api: "auth/getuserinfo", errcode: code))
        #expect(stubborn.count("auth/getuserinfo") == 2)
        #expect(stubborn.count("gettoken") == 2)
    }

    @Test func `all waiters learn at once that the secret is wrong, and later ones do not ask again`() async throws {
        let caller = wecom("gettoken") { _, _, _ in .success(#"{"errcode":40001,"errmsg":"invalid credential s3cret"}"#) }
        let directory = bench.directory(caller)
        let expected = LoginRefusal(WeComError(api: "gettoken", errcode: 40001))
        let refusals = await withTaskGroup(of: LoginRefusal?.self) { group in
            for _ in 0..<200 { group.addTask { await refusal(directory) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(refusals == Array(repeating: expected, count: 200))
        #expect(expected.failure == .misconfigured)
        #expect(caller.count("gettoken") == 1)
        bench.time.withLock { $0 += 15_000_000_000 }
        #expect(await refusal(directory) == expected)
        #expect(caller.count("gettoken") == 2)
    }

    @Test func `busy is asked again with pauses, three times at the most`() async throws {
        let caller = wecom("auth/getuserinfo") { _, _, count in .success(count <= 3 ? #"{"errcode":-1}"# : lisi) }
        #expect(try await bench.directory(caller).identify(code: "c") == .member(user: "LiSi"))
        #expect(bench.pauses.withLock { $0 } == [.milliseconds(100), .milliseconds(300), .milliseconds(900)])

        let always = wecom("auth/getuserinfo") { _, _, _ in .success(#"{"errcode":-1}"#) }
        #expect(await refusal(bench.directory(always))?.failure == .busy)
        #expect(always.count("auth/getuserinfo") == 4)
    }

    @Test func `a busy gettoken is asked again too`() async throws {
        let caller = wecom("gettoken") { _, _, count in .success(count == 1 ? #"{"errcode":-1}"# : goodToken) }
        #expect(try await bench.directory(caller).identify(code: "c") == .member(user: "LiSi"))
    }

    @Test(arguments: [OutboundFailure.Reason.timeout, .unreachable, .tls])
    func `no answer is final, since the code may be spent`(_ reason: OutboundFailure.Reason) async throws {
        let caller = wecom("auth/getuserinfo") { _, _, _ in .failure(OutboundFailure(reason, code: 28)) }
        let refusal = await refusal(bench.directory(caller))
        #expect(refusal?.failure == .unreachable)
        #expect(refusal?.error?.transport == reason.rawValue)
        #expect(caller.count("auth/getuserinfo") == 1)
        #expect(bench.calls.withLock { $0 } == ["gettoken 0", "auth/getuserinfo -"])
    }

    @Test(arguments: [
        (#"{"errcode":0,"openid":"oAbc"}"#, LoginFailure.notAMember),
        (#"{"errcode":0,"userid":"ww02/lisi"}"#, .linkedCorp),
        (#"{"errcode":40029,"errmsg":"invalid code"}"#, .codeSpent),
        (#"{"errcode":60020,"errmsg":"from ip: 203.0.113.7"}"#, .misconfigured),
        (#"{"errcode":45009}"#, .busy),
        ("<html>", .fault),
        ("", .fault),
    ])
    func `who is not identified is not looked up`(_ answer: String, _ failure: LoginFailure) async throws {
        let caller = wecom("auth/getuserinfo") { _, _, _ in .success(answer) }
        #expect(await refusal(bench.directory(caller))?.failure == failure)
        #expect(caller.count("auth/getuserinfo") == 1)
        #expect(caller.count("user/get") == 0)
    }

    @Test(arguments: [
        (#"{"errcode":60011}"#, LoginFailure.outOfVisibleRange),
        (#"{"errcode":60111}"#, .memberGone),
        (#"{"errcode":0,"userid":"lisi","status":2}"#, .memberDisabled),
        (#"{"errcode":0,"userid":"lisi","status":5}"#, .memberGone),
        (#"{"errcode":0,"userid":"wangwu","status":1}"#, .fault),
        (#"{"errcode":48002}"#, .misconfigured),
    ])
    func `who is not in order in the directory is refused`(_ answer: String, _ failure: LoginFailure) async throws {
        let caller = wecom("user/get") { _, _, _ in .success(answer) }
        #expect(await refusal(bench.directory(caller))?.failure == failure)
    }

    @Test func `without the visible range a member is let in with the id alone`() async throws {
        let caller = wecom("user/get") { _, _, _ in .success(#"{"errcode":60011}"#) }
        let member = try await bench.directory(caller).logIn(code: "c", visibleRangeOnly: false)
        #expect(member == DirectoryMember(user: "LiSi"))
    }

    @Test func `a code that WeCom never gave is not sent`() async throws {
        let caller = wecom("") { _, _, _ in .success("") }
        for code in ["", String(repeating: "c", count: 513)] {
            #expect(await refusal(bench.directory(caller), code: code)?.failure == .codeSpent)
        }
        #expect(caller.count("auth/getuserinfo") == 0)
    }

    @Test func `an old token is good until its end when WeCom is away`() async throws {
        let caller = wecom("gettoken") { _, _, count in count == 1 ? .success(goodToken) : .failure(OutboundFailure(.unreachable)) }
        let directory = bench.directory(caller)
        _ = try await directory.identify(code: "a")
        bench.time.withLock { $0 += 7_000_000_000_000 }
        #expect(try await directory.identify(code: "b") == .member(user: "LiSi"))
        bench.time.withLock { $0 += 200_000_000_000 }
        #expect(await refusal(directory)?.failure == .unreachable)
        #expect(caller.count("gettoken") == 3)
    }
}
