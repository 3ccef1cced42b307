/// The pages that stand for the phone and for WeCom's web login page.
struct LoginPageTexts {
    var path: String
    var form: Form
    var language: Language

    private func link(_ name: String, _ value: String) -> String { path + "?" + form.adding(name, value) }
    /// The whole window goes back to the gateway, unless only the frame shall (`redirect_type=self`).
    private var target: String { form["redirect_type"] == "self" ? "_self" : "_top" }

    /// Who scans?
    func choose(_ corp: SimulatedCorp, _ app: SimulatedApp) -> Page {
        let people: [Markup] = corp.people.map { person in
            "<li><a target=\"\(target)\" href=\"\(link("sim_user", person.key))\">\(person.name)<small>\(remark(person, corp, app))</small></a></li>"
        }
        return Page(
            title: language("企业微信登录（模拟器）", "WeCom login (simulator)"), language: language,
            body: """
                <main>
                <h1>\(language("企业微信登录 · 模拟器", "WeCom login · simulator"))</h1>
                <p class="soft">\(corp.name) · \(app.name)<br>\(language("真实页面在这里显示二维码。请选择由谁扫码：", "The real page shows a QR code here. Choose who scans it:"))</p>
                <ul class="people">\(people)</ul>
                <p><a target="\(target)" href="\(link("sim_refuse", "1"))">\(language("在手机上拒绝", "Refuse on the phone"))</a></p>
                </main>
                """,
            framable: true)
    }

    private func remark(_ person: SimulatedPerson, _ corp: SimulatedCorp, _ app: SimulatedApp) -> String {
        switch person {
        case .member(let member):
            if !corp.isVisible(member, to: app) { return language("不在可见范围", "out of range") }
            if member.status != 1 { return language("已停用（\(member.status)）", "status \(member.status)") }
            return member.userID
        case .linked: return language("互联企业", "linked corp")
        case .outsider: return language("非成员", "not a member")
        }
    }

    /// The phone asks before it gives away phone and e-mail.
    func consent(_ corp: SimulatedCorp, _ app: SimulatedApp, _ name: String) -> Page {
        Page(
            title: language("授权（模拟器）", "Consent (simulator)"), language: language,
            body: """
                <main><div class="card">
                <h1>\(language("\(name)，“\(app.name)”申请获取你的敏感信息", "\(name): “\(app.name)” asks for your personal details"))</h1>
                <p class="soft">\(corp.name) · \(language("手机号、邮箱、企业邮箱", "mobile, e-mail, corporate e-mail"))</p>
                <p class="row"><a class="button" href="\(link("sim_consent", "yes"))">\(language("同意", "Agree"))</a>
                <a class="button plain" href="\(link("sim_consent", "no"))">\(language("拒绝", "Refuse"))</a></p>
                </div></main>
                """)
    }

    func noPermission(_ name: String) -> Page {
        Page(
            title: language("无权限（模拟器）", "No permission (simulator)"), language: language,
            body: """
                <main><div class="card">
                <h1 class="bad">\(language("\(name)：无权限登录该应用", "\(name): no permission to log in to this app"))</h1>
                <p>\(language("该成员不在应用的可见范围内，手机上会显示这个提示，网页不会返回。", "The member is outside the app's visible range. The phone says so, and nothing goes back to the site."))</p>
                <p><a href="\(path + "?" + form.adding("lang", language.rawValue))">\(language("换一个人", "Somebody else"))</a></p>
                </div></main>
                """,
            framable: true)
    }

    func fault(_ fault: PageFault) -> Page {
        Page(
            title: language("参数错误（模拟器）", "Error (simulator)"), language: language,
            body: """
                <main><div class="card">
                <h1 class="bad">\(language(fault.zh, fault.en))</h1>
                <p class="soft">\(language("企业微信在这里直接显示错误，不会回到网站。", "WeCom shows this by itself; nothing goes back to the site."))</p>
                </div></main>
                """,
            framable: true)
    }
}

/// The simulator's own front page.
struct FrontPage {
    var language: Language
    var corps: [SimulatedCorp]
    /// Who holds the phone now.
    var current: String

    var page: Page {
        Page(
            title: language("企业微信模拟器", "WeCom simulator"), language: language,
            body: """
                <main>
                <h1>\(language("企业微信模拟器", "WeCom simulator"))</h1>
                <p class="soft">\(language("用于演示和测试，与腾讯无关。", "For demos and tests; not Tencent's.")) \
                \(language("应用内静默登录时，手机的主人是：", "In the silent in-app login the phone belongs to:")) <strong>\(current)</strong></p>
                \(corps.map { section($0) })
                </main>
                """)
    }

    private func section(_ corp: SimulatedCorp) -> Markup {
        let apps: [Markup] = corp.apps.map { app in
            "<tr><td>\(String(app.agentID))</td><td>\(app.name)</td><td>\(app.secret)</td><td>\(app.trustedDomains.joined(separator: ", "))</td></tr>"
        }
        let people: [Markup] = corp.people.map { person in
            "<li><a href=\"/?sim_user=\(Form.encode(person.key))\">\(person.name)<small>\(person.key)</small></a></li>"
        }
        return """
            <h2>\(corp.name) · <code>\(corp.id)</code></h2>
            <table>\(apps)</table>
            <ul class="people">\(people)</ul>
            """
    }
}
