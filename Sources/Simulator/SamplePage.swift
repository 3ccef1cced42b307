internal import HTTP
internal import Proxy

/// The sample application's one page.
struct SamplePage {
    var request: OwnRequest
    var report: AssertionReport
    /// Seconds since 1970.
    var now: Int64
    var language: Language

    var page: Page {
        Page(
            title: language("示例应用", "Sample application"), language: language,
            body: """
                <main>
                <div class="row"><h1>\(language("示例应用：一个自己不会登录的老系统", "Sample application: an old system that cannot log anybody in"))</h1></div>
                \(greeting)
                \(received)
                <h2>\(language("网关说了什么：身份头", "What the gateway says: the identity headers"))</h2>
                <div class="card"><table>\(rows { Self.isIdentity($0) })</table></div>
                <h2>\(language("签名的断言", "The signed assertion"))</h2>
                \(assertion)
                <h2>\(language("一个表单", "A form"))</h2>
                <form method="post" class="row card"><input name="note" aria-label="\(language("备注", "Note"))" placeholder="\(language("写点什么", "Write something"))">
                <button>\(language("提交", "Send"))</button></form>
                <h2>\(language("收到的其他请求头", "The other headers received"))</h2>
                <div class="card"><table>\(rows { !Self.isIdentity($0) && $0 != "x-menwei-assertion" })</table></div>
                </main>
                """,
            forms: true)
    }

    private var greeting: Markup {
        let user = request.fields.text("Remote-User")
        let name = request.fields.text("Remote-Name").map { Self.decoded($0) }
        let who: Markup = if let user {
            """
            <p class="row"><span>\(language("你好，", "Hello, "))<strong id="who">\(name ?? user)</strong> <span class="soft">(\(user))</span></span>
            <a class="button plain" href="/.menwei/logout">\(language("退出登录", "Log out"))</a></p>
            """
        } else {
            "<p class=\"bad\" id=\"who\">\(language("没有身份：没有人登录，或者请求没有经过网关。", "No identity: nobody is logged in, or the request did not come through the gateway."))</p>"
        }
        return """
            <div class="card">\(who)
            <p class="soft">\(request.method) <code id="target">\(request.target)</code></p></div>
            """
    }

    /// What a form sent, if this is one's answer.
    private var received: Markup {
        guard request.method == "POST" else { return "" }
        let isForm = (request.fields.text("Content-Type") ?? "").lowercased().hasPrefix("application/x-www-form-urlencoded")
        let pairs = isForm ? Form(String(decoding: request.body, as: UTF8.self)).pairs.prefix(100) : []
        let rows: [Markup] = pairs.map { "<tr><td>\($0.name)</td><td>\($0.value)</td></tr>" }
        return """
            <h2>\(language("收到的表单", "The form received")) (\(request.body.count) \(language("字节", "bytes")))</h2>
            <div class="card"><table id="form">\(rows)</table></div>
            """
    }

    private var assertion: Markup {
        let verdict = text(of: report.verdict)
        let mark: Markup = "<p id=\"verdict\" data-verdict=\"\(String(describing: report.verdict))\" class=\"\(report.verdict == .verified ? "good" : "bad")\"><strong>\(verdict)</strong></p>"
        guard case .object(let header) = report.header, case .object(let claims) = report.claims else { return "<div class=\"card\">\(mark)</div>" }
        let rows: [Markup] = (header + claims).map { member in
            "<tr><td>\(member.name)</td><td>\(String(decoding: member.value.bytes, as: UTF8.self))\(remark(member))</td></tr>"
        }
        return "<div class=\"card\">\(mark)<table>\(rows)</table></div>"
    }

    /// Times as seconds from now.
    private func remark(_ member: JSON.Member) -> Markup {
        guard ["exp", "iat", "nbf", "auth_time"].contains(member.name), let time = member.value.number else { return "" }
        let (seconds, overflow) = Int64(time).subtractingReportingOverflow(now)
        return overflow ? "" : " <span class=\"soft\">(\(seconds < 0 ? "−" : "+")\(String(seconds.magnitude)) s)</span>"
    }

    private func text(of verdict: AssertionReport.Verdict) -> String {
        switch verdict {
        case .absent: language("没有断言", "There is none")
        case .verified: language("✓ 签名有效，签发者、受众和时间都对", "✓ The signature, issuer, audience and time are right")
        case .malformed: language("✗ 不是 JWT", "✗ This is no JWT")
        case .algorithm: language("✗ 算法不是 ES256", "✗ The algorithm is not ES256")
        case .noKeys: language("✗ 取不到网关的公钥", "✗ The gateway's public keys cannot be fetched")
        case .unknownKey: language("✗ 公钥中没有这个 kid", "✗ There is no public key of that kid")
        case .signature: language("✗ 签名无效", "✗ The signature is wrong")
        case .issuer: language("✗ 签发者不对", "✗ The issuer is another")
        case .audience: language("✗ 受众不是本应用", "✗ The audience is another application")
        case .expired: language("✗ 已过期", "✗ It has expired")
        case .notYetValid: language("✗ 尚未生效", "✗ It is not valid yet")
        }
    }

    private func rows(_ wanted: (String) -> Bool) -> [Markup] {
        request.fields.entries.compactMap { entry in
            let name = String(decoding: request.fields.name(entry), as: UTF8.self)
            guard wanted(name.lowercased()) else { return nil }
            let value = String(decoding: request.fields.value(entry), as: UTF8.self)
            let plain = Self.decoded(value)
            let remark: Markup = plain == value || !Self.isIdentity(name.lowercased()) ? "" : " <span class=\"soft\">\(plain)</span>"
            return "<tr><td>\(name)</td><td>\(value)\(remark)</td></tr>"
        }
    }

    /// Names of people come percent-encoded; a plus sign is a plus sign.
    private static func decoded(_ value: String) -> String { Form.decode(Substring(value).utf8, plus: false) }

    private static func isIdentity(_ name: String) -> Bool {
        name.hasPrefix("remote-") || name.hasPrefix("x-forwarded-") || name.hasPrefix("x-menwei-") && name != "x-menwei-assertion"
            || ["x-request-id", "x-remote-user", "x-real-ip"].contains(name)
    }
}
