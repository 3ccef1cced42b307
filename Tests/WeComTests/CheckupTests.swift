import Testing
import WeCom

private func answer(_ text: String, status: Int = 200) -> APIAnswer { APIAnswer(status: status, body: Array(text.utf8)) }

private let app = WeComApp(corpID: "ww0123456789abcdef", agentID: 1_000_002, secret: "s3cret")

private func report(_ change: (inout AppReport) -> Void = { _ in }) -> AppReport {
    var report = AppReport()
    report.name = "门卫"
    report.trustedDomain = "auth.corp.example"
    (report.users, report.departments, report.tags) = (1, 2, 0)
    change(&report)
    return report
}

private func checkup(_ app: WeComApp = app, _ change: (inout WeComCheckup) -> Void = { _ in }) -> WeComCheckup {
    var checkup = WeComCheckup(connection: "corp", app: app, authority: "auth.corp.example")
    checkup.report = .success(report())
    checkup.loginError = WeComError(api: "auth/getuserinfo", errcode: 40029)
    change(&checkup)
    return checkup
}

/// `ok`, `warn` or `fail` of each check, in their order.
private func grades(_ checkup: WeComCheckup) -> [String] { checkup.findings.map { "\($0.grade) \($0.check)" } }

@Suite struct AppReportTests {
    private let wecom = WeComProtocol(app)

    @Test func `the app's settings are asked for and read`() throws {
        #expect(wecom.report(token: Hidden("T")).url == "https://qyapi.weixin.qq.com/cgi-bin/agent/get?access_token=T&agentid=1000002")
        let body = #"""
            {"errcode":0,"errmsg":"ok","agentid":1000002,"name":"HR助手","allow_userinfos":{"user":[{"userid":"lisi"},{"userid":"a"}]},
            "allow_partys":{"partyid":[1]},"allow_tags":{"tagid":[1,2,3]},"close":1,"redirect_domain":"open.work.weixin.qq.com","home_url":"https://x"}
            """#
        let report = try wecom.readReport(answer(body))
        #expect(report.name == "HR助手" && report.isDisabled && report.trustedDomain == "open.work.weixin.qq.com")
        #expect((report.users, report.departments, report.tags) == (2, 1, 3))
    }

    @Test func `what an old deployment leaves out is not known`() throws {
        let report = try wecom.readReport(answer(#"{"errcode":0,"allow_partys":{},"allow_tags":null}"#))
        #expect(report == AppReport() && report.seesNobody && report.trustedDomain == nil)
        #expect(try wecom.readReport(answer(#"{"errcode":0,"redirect_domain":""}"#)).trustedDomain == "")
    }

    @Test(arguments: [#"{"errcode":0,"close":"1"}"#, #"{"errcode":0,"allow_partys":[1]}"#, #"{"errcode":0,"redirect_domain":7}"#, "<html>", ""])
    func `an answer of other types is a bad one`(_ text: String) {
        #expect(throws: WeComError.self) { try wecom.readReport(answer(text)) }
    }
}

@Suite struct CheckupTests {
    @Test func `all is well`() {
        #expect(grades(checkup()) == [
            "ok api", "ok secret", "ok trusted-ip", "ok agent-id", "ok app", "ok trusted-domain", "ok visible-range", "ok login",
        ])
        #expect(checkup().findings[0].line == "ok corp api: https://qyapi.weixin.qq.com answers")
        #expect(checkup().findings.contains { $0.line == "ok corp visible-range: 1 member, 2 departments" })
    }

    @Test(arguments: [
        (40001, "secret"), (40091, "secret"), (40013, "corp-id"), (50003, "app"), (60020, "trusted-ip"), (-1, "api"), (45009, "api"), (48002, "api"), (99999, "api"),
    ])
    func `without a token there is one finding`(_ code: Int, _ check: String) {
        #expect(grades(checkup { $0.tokenError = WeComError(api: "gettoken", errcode: code) }) == ["fail \(check)"])
    }

    @Test func `the address to add is named wherever it comes from`() {
        let error = WeComError(api: "agent/get", errcode: 60020, callerAddress: "203.0.113.7")
        let both = checkup { $0.report = .failure(error); $0.loginError = error }
        #expect(grades(both) == ["ok api", "ok secret", "fail trusted-ip"])
        #expect(both.findings[2].message.contains("add 203.0.113.7"))
        let unguarded = checkup { $0.loginError = error }
        #expect(grades(unguarded).contains("fail trusted-ip") && grades(unguarded).contains("ok trusted-domain"))
        let unnamed = checkup { $0.loginError = WeComError(api: "auth/getuserinfo", errcode: 60020) }
        #expect(unnamed.findings.contains { $0.check == "trusted-ip" && $0.message.hasSuffix("add the public address from which this machine calls out") })
    }

    @Test(arguments: [("auth.corp.example", "ok"), ("AUTH.corp.example", "ok"), ("corp.example", "fail"), ("auth.corp.example:8443", "fail"), ("", "fail"), (nil, "warn")])
    func `the trusted domain is the auth origin's to the letter`(_ domain: String?, _ grade: String) {
        #expect(grades(checkup { $0.report = .success(report { $0.trustedDomain = domain }) }).contains("\(grade) trusted-domain"))
    }

    @Test func `a port belongs to it`() {
        var other = WeComCheckup(connection: "corp", app: app, authority: "auth.corp.example:8443")
        other.report = .success(report())
        #expect(other.findings.contains { $0.grade == .fail && $0.check == "trusted-domain" && $0.message.contains("enter auth.corp.example:8443") })
    }

    @Test func `an app that nobody sees lets nobody in, unless the range does not count`() {
        let empty = report { ($0.users, $0.departments, $0.tags) = (0, 0, 0) }
        #expect(grades(checkup { $0.report = .success(empty) }).contains("fail visible-range"))
        var open = app
        open.visibleRangeOnly = false
        #expect(grades(checkup(open) { $0.report = .success(empty) }).contains("warn visible-range"))
    }

    @Test func `a disabled app is said once`() {
        let error = WeComError(api: "auth/getuserinfo", errcode: 50003)
        #expect(grades(checkup { $0.report = .success(report { $0.isDisabled = true }); $0.loginError = error }).filter { $0 == "fail app" }.count == 1)
    }

    @Test(arguments: [(40056, "fail agent-id"), (301002, "fail agent-id"), (48002, "warn agent-id"), (50003, "fail app")])
    func `settings that cannot be read`(_ code: Int, _ finding: String) {
        let found = grades(checkup { $0.report = .failure(WeComError(api: "agent/get", errcode: code)) })
        #expect(found == ["ok api", "ok secret", "ok trusted-ip", finding, "ok login"])
    }

    @Test(arguments: [(40029, "ok login"), (42003, "ok login"), (48002, "fail login"), (48004, "fail login"), (99999, "warn login")])
    func `the identity call`(_ code: Int, _ finding: String) {
        #expect(grades(checkup { $0.loginError = WeComError(api: "auth/getuserinfo", errcode: code) }).last == finding)
    }

    @Test func `an identity call that is not there names the other`() {
        let found = checkup { $0.loginError = .badAnswer("auth/getuserinfo") }.findings.last
        #expect(found?.grade == .fail && found?.message.contains("endpoints.userinfo: user/getuserinfo") == true)
    }

    @Test func `what rules name is looked at`() {
        let found = checkup {
            $0.departments = [.init(2), .init(9, error: WeComError(api: "department/get", errcode: 60123)), .init(7, error: WeComError(api: "department/get", errcode: 60011))]
            $0.tags = [.init(1), .init(8, error: WeComError(api: "tag/get", errcode: 40068)), .init(6, error: .unreachable("tag/get"))]
        }
        #expect(grades(found).suffix(6) == ["ok department-2", "fail department-9", "fail department-7", "ok tag-1", "fail tag-8", "warn tag-6"])
    }

    @Test(arguments: [
        ("timeout", 28, "https_proxy"), ("tls", 60, "update-ca-certificates"), ("tls", 35, "TLS"), ("unreachable", 5, "proxy"), ("unreachable", 6, "DNS"),
        ("unreachable", 7, "refused"), ("unreachable", 56, "407"), ("unreachable", 52, "cannot be reached"),
    ])
    func `each way not to reach WeCom has its words`(_ transport: String, _ code: Int, _ word: String) {
        let found = checkup { $0.tokenError = WeComError(api: "gettoken", kind: .unreachable, transport: transport, code: code) }.findings
        #expect(found.count == 1 && found[0].grade == .fail && found[0].check == "api" && found[0].message.contains(word))
    }

    @Test func `no line holds the secret or a line break`() {
        for code in [-1, 40001, 40013, 40056, 48002, 50003, 60020, 99999] {
            let tokenless = checkup { $0.tokenError = WeComError(api: "gettoken", errcode: code) }, refused = checkup { $0.loginError = WeComError(api: "x", errcode: code) }
            for finding in tokenless.findings + refused.findings {
                #expect(!finding.line.contains("s3cret") && !finding.line.contains("\n"))
            }
        }
    }

    @Test(arguments: [
        (40029, ["ok api", "ok secret", "warn callback-domain"]), (40013, ["fail app-id"]), (40001, ["fail secret"]), (40125, ["fail secret"]), (48001, ["fail app"]), (45011, ["fail api"]),
    ])
    func `a WeChat app says what it says to a made-up code`(_ code: Int, _ grades: [String]) throws {
        let wechat = WeChatApp(appID: "wx0123456789abcdef", secret: "s3cret")
        var error: WeComError?
        do { _ = try WeChatProtocol(wechat).readExchange(answer(#"{"errcode":\#(code)}"#)) } catch let failure { error = failure }
        let found = WeChatCheckup(connection: "weixin", app: wechat, host: "auth.corp.example", error: try #require(error)).findings
        #expect(found.map { "\($0.grade) \($0.check)" } == grades)
        #expect(!found.contains { $0.line.contains("s3cret") })
    }
}
