internal import Bytes

/// What the page of WeChat's website login does.
enum QRConnectOutcome: Equatable {
    /// An absolute address.
    case redirect(String)
    /// Ask who scans; after a refusal the page stays where it is.
    case choose(SimulatedWeChatApp, isRefused: Bool)
}

extension SimulatedWorld {
    /// `GET /connect/qrconnect`. `sim_user=KEY` is the scan, `sim_refuse=1` the refusal, after which nothing goes back to the site; without them the planned
    /// scan counts, else the page asks.
    mutating func qrConnect(_ form: Form, now: WallTime, random: inout some RandomNumberGenerator) throws(PageFault) -> QRConnectOutcome {
        guard let app = wechat.app(form["appid"]) else { throw .weChatAppID }
        guard form["response_type"] == "code" else { throw .responseType }
        guard form["scope"] == "snsapi_login" else { throw .weChatScope }
        let address = try ReturnAddress(form["redirect_uri"])
        let host = address.authority.prefix { $0 != ":" }
        guard app.callbackDomains.contains(where: { $0.lowercased() == host }) else { throw .weChatDomain }
        let state = form["state"] ?? ""
        guard state.utf8.count <= 128 else { throw .state }
        var scan = form["sim_user"].map { Scan.person($0) } ?? (form["sim_refuse"] == nil ? nil : Scan.refuse)
        if scan == nil {
            scan = nextScan
            nextScan = nil
        }
        switch scan {
        case nil: return .choose(app, isRefused: false)
        case .refuse: return .choose(app, isRefused: true)
        case .person(let key):
            guard let user = wechat.user(key) else { throw .person }
            let code = wechat.issueCode(appID: app.appID, user: user.key, now: now, random: &random)
            return .redirect(address.with(code: code, state: state))
        }
    }
}

extension PageFault {
    static let weChatAppID = PageFault(code: "appid", zh: "AppID 参数错误", en: "appid: there is no such website app")
    static let weChatScope = PageFault(code: "scope", zh: "Scope 参数错误或没有 Scope 权限", en: "scope must be snsapi_login")
    static let weChatDomain = PageFault(code: "redirect_uri", zh: "redirect_uri 参数错误", en: "the host of redirect_uri is not the app's callback domain")
}

/// The page of WeChat's website login.
struct QRConnectPage {
    var path: String
    var form: Form
    var language: Language

    func choose(_ app: SimulatedWeChatApp, _ users: [SimulatedWeChatUser], isRefused: Bool) -> Page {
        let people: [Markup] = users.map { user in
            "<li><a target=\"_top\" href=\"\(link("sim_user", user.key))\">\(user.nickname.isEmpty ? user.key : user.nickname)<small>\(user.key)</small></a></li>"
        }
        let refused: Markup = "<p class=\"bad\">\(language("手机上已拒绝：微信不会返回网站。", "Refused on the phone: WeChat does not go back to the site."))</p>"
        return Page(
            title: language("微信登录（模拟器）", "WeChat login (simulator)"), language: language,
            body: """
                <main>
                <h1>\(language("微信登录 · 模拟器", "WeChat login · simulator"))</h1>
                <p class="soft">\(app.name)<br>\(language("真实页面在这里显示二维码。请选择由谁用微信扫码：", "The real page shows a QR code here. Choose who scans it with WeChat:"))</p>
                \(isRefused ? refused : "" as Markup)
                <ul class="people">\(people)</ul>
                <p><a href="\(link("sim_refuse", "1"))">\(language("在手机上拒绝", "Refuse on the phone"))</a></p>
                </main>
                """,
            framable: true)
    }

    func fault(_ fault: PageFault) -> Page {
        Page(
            title: language("参数错误（模拟器）", "Error (simulator)"), language: language,
            body: """
                <main><div class="card">
                <h1 class="bad">\(language(fault.zh, fault.en))</h1>
                <p class="soft">\(language("微信在这里直接显示错误，不会回到网站。", "WeChat shows this by itself; nothing goes back to the site."))</p>
                </div></main>
                """)
    }

    private func link(_ name: String, _ value: String) -> String { path + "?" + form.adding(name, value) }
}
