import Testing
import WeCom

@Suite struct WeComErrorTests {
    @Test(arguments: [
        (-1, WeComError.Kind.transient, LoginFailure.busy),
        (40001, .config, .misconfigured),
        (40013, .config, .misconfigured),
        (40014, .token, .busy),
        (40029, .user, .codeSpent),
        (40163, .user, .codeSpent),
        (40003, .user, .memberGone),
        (60111, .user, .memberGone),
        (40056, .config, .misconfigured),
        (40057, .config, .misconfigured),
        (40058, .bug, .fault),
        (40063, .bug, .fault),
        (40068, .config, .misconfigured),
        (81011, .config, .misconfigured),
        (40082, .token, .busy),
        (42009, .token, .busy),
        (40084, .config, .misconfigured),
        (40085, .config, .misconfigured),
        (40086, .config, .misconfigured),
        (40091, .config, .misconfigured),
        (41001, .bug, .fault),
        (41002, .bug, .fault),
        (41004, .bug, .fault),
        (41008, .bug, .fault),
        (42001, .token, .busy),
        (42003, .user, .codeSpent),
        (42007, .bug, .fault),
        (43004, .user, .notAMember),
        (45009, .transient, .busy),
        (45033, .transient, .busy),
        (48002, .config, .misconfigured),
        (48004, .config, .misconfigured),
        (48005, .bug, .fault),
        (50001, .config, .misconfigured),
        (50002, .user, .outOfVisibleRange),
        (50003, .config, .appDisabled),
        (60003, .config, .misconfigured),
        (60123, .config, .misconfigured),
        (60011, .user, .outOfVisibleRange),
        (60020, .config, .misconfigured),
        (301002, .config, .misconfigured),
        (81013, .bug, .fault),
        (82001, .bug, .fault),
        (91040, .bug, .fault),
        (301021, .user, .memberGone),
        (701008, .config, .misconfigured),
        (701023, .config, .misconfigured),
        (123456, .bug, .fault),
        (Int.min, .bug, .fault),
    ])
    func `each code has its class and its word for the person`(_ code: Int, _ kind: WeComError.Kind, _ failure: LoginFailure) {
        let error = WeComError(api: "user/get", errcode: code)
        #expect(error.kind == kind)
        #expect(LoginFailure(error) == failure)
        #expect(error.asksForNewToken == [40014, 42001, 41001].contains(code))
    }

    @Test func `no answer and a bad answer have their words`() {
        #expect(LoginFailure(.unreachable("gettoken")) == .unreachable)
        #expect(LoginFailure(.badAnswer("gettoken")) == .fault)
        #expect(LoginFailure(WeComError(api: "gettoken", kind: .transient)) == .busy)
    }

    @Test(arguments: [
        ("not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more info at https://x", "203.0.113.7"),
        ("from ip:203.0.113.7", "203.0.113.7"),
        ("from ip: 2001:db8::1, more", "2001:db8::1"),
        ("from ip: ::", "::"),
        ("from ip: ::ffff:192.0.2.1 x", "::ffff:192.0.2.1"),
        ("from ip: 64:ff9b::192.0.2.1 x", "64:ff9b::192.0.2.1"),
        ("from ip: 1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("from ip: 1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:192.0.2.1"),
        ("from ip: 1xx.xx.218.226, more", nil),
        ("from ip: 203.0.113.256", nil),
        ("from ip: 203.0.113.07", nil),
        ("from ip: 203.0.113", nil),
        ("from ip: 1.2.3.4.5", nil),
        ("from ip: 1:2:3:4:5:6:7", nil),
        ("from ip: 1::2::3", nil),
        ("from ip: 1:2:3:4:5:6:7::8", nil),
        ("from ip: :1:2:3:4:5:6:7", nil),
        ("from ip: 12345::", nil),
        ("from ip: 1.2.3.4:5", nil),
        ("from ip: <script>", nil),
        ("from ip:", nil),
        ("203.0.113.7", nil),
        ("from ip: " + String(repeating: "1", count: 2000), nil),
    ] as [(String, String?)])
    func `only an IP literal is taken out of the message of 60020`(_ message: String, _ address: String?) throws {
        let wecom = WeComProtocol(WeComApp(corpID: "ww", agentID: 1, secret: "s"))
        func failure(_ code: Int) -> WeComError? {
            let body = Array("{\"errcode\":\(code),\"errmsg\":\"\(message)\"}".utf8)
            do {
                _ = try wecom.readToken(APIAnswer(status: 200, body: body))
                return nil
            } catch { return error }
        }
        #expect(failure(60020) == WeComError(api: "gettoken", errcode: 60020, callerAddress: address))
        #expect(failure(45009) == WeComError(api: "gettoken", errcode: 45009))
    }
}

@Suite struct AdmissionTests {
    private func decide(_ lookup: Result<DirectoryMember, WeComError>, visibleRangeOnly: Bool = true) -> LoginFailure? {
        do {
            _ = try Admission.decide(user: "lisi", lookup: lookup, visibleRangeOnly: visibleRangeOnly)
            return nil
        } catch { return error.failure }
    }

    private func member(_ status: DirectoryMember.Status) -> Result<DirectoryMember, WeComError> {
        var member = DirectoryMember(user: "lisi")
        member.status = status
        return .success(member)
    }

    private func refused(_ code: Int) -> Result<DirectoryMember, WeComError> { .failure(WeComError(api: "user/get", errcode: code)) }

    @Test func `only members of the corp itself are looked up`() throws {
        #expect(try Admission.member(.member(user: "lisi")) == "lisi")
        #expect(throws: LoginRefusal(.notAMember)) { try Admission.member(.outsider) }
        #expect(throws: LoginRefusal(.linkedCorp)) { try Admission.member(.linkedMember(corp: "ww02", user: "lisi")) }
    }

    @Test(arguments: [true, false])
    func `only an active member comes in`(_ visibleRangeOnly: Bool) {
        #expect(decide(member(.active), visibleRangeOnly: visibleRangeOnly) == nil)
        #expect(decide(member(.disabled), visibleRangeOnly: visibleRangeOnly) == .memberDisabled)
        #expect(decide(member(.notActivated), visibleRangeOnly: visibleRangeOnly) == .memberDisabled)
        #expect(decide(member(.left), visibleRangeOnly: visibleRangeOnly) == .memberGone)
        #expect(decide(member(.other(3)), visibleRangeOnly: visibleRangeOnly) == .memberDisabled)
    }

    @Test func `outside of the visible range nobody comes in unless that is allowed`() throws {
        #expect(decide(refused(60011)) == .outOfVisibleRange)
        let admitted = try Admission.decide(user: "LiSi", lookup: refused(60011), visibleRangeOnly: false)
        #expect(admitted == DirectoryMember(user: "LiSi"))
    }

    @Test(arguments: [60111, 40003, 60020, 45009, -1, 40014, 50002, 123])
    func `every other error refuses, whatever the visible range`(_ code: Int) {
        #expect(decide(refused(code)) == LoginFailure(WeComError(api: "user/get", errcode: code)))
        #expect(decide(refused(code), visibleRangeOnly: false) != nil)
    }
}
