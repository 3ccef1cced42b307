internal import Bytes
internal import HTTP
internal import Proxy

extension SimulatorResponder {
    /// `GET /connect/oauth2/authorize`.
    func authorize(_ request: OwnRequest) -> OwnResponse {
        let form = Form(request.query)
        let userAgent = request.fields.text("User-Agent") ?? ""
        let phone = Self.cookie("sim_user", request)
        return finish(request, "connect/oauth2/authorize", form) { world, now, random throws(PageFault) in
            try world.authorize(form, userAgent: userAgent, phone: phone, now: now, random: &random)
        }
    }

    /// `GET /wwlogin/sso/login`. In a frame a planned scan cannot go on by itself (a frame may not move the window without a click): it asks.
    func webLogin(_ request: OwnRequest) -> OwnResponse {
        let form = Form(request.query)
        let framed = ["iframe", "frame", "embed", "object"].contains(request.fields.text("Sec-Fetch-Dest") ?? "")
        return finish(request, "wwlogin/sso/login", form) { world, now, random throws(PageFault) in
            try world.webLogin(form, mayJump: !framed, now: now, random: &random)
        }
    }

    private func finish(_ request: OwnRequest, _ api: String, _ form: Form,
                        _ decide: (inout SimulatedWorld, WallTime, inout SystemRandomNumberGenerator) throws(PageFault) -> PageOutcome) -> OwnResponse {
        let (outcome, nonce) = shared.with { world, now -> (Result<PageOutcome, PageFault>, String) in
            var random = SystemRandomNumberGenerator()
            world.log.add(.init(api: api, corp: nil, agent: nil, userID: nil, time: now.milliseconds))
            let nonce = SimulatedWorld.opaque(22, &random)
            do throws(PageFault) {
                return (.success(try decide(&world, now, &random)), nonce)
            } catch {
                return (.failure(error), nonce)
            }
        }
        let language = form["lang"].flatMap { Language(rawValue: $0) } ?? Language(request.fields.text("Accept-Language"))
        let pages = LoginPageTexts(path: request.path, form: form, language: language)
        switch outcome {
        case .success(.redirect(let address)): return OwnResponse(status: 302, fields: [("Location", address), ("Cache-Control", "no-store")])
        case .success(.choose(let corp, let app)): return pages.choose(corp, app).response(nonce: nonce)
        case .success(.consent(let corp, let app, let name)): return pages.consent(corp, app, name).response(nonce: nonce)
        case .success(.noPermission(let name)): return pages.noPermission(name).response(nonce: nonce)
        // The real page answers 200; a status of its own helps whoever tries by hand.
        case .failure(let fault): return pages.fault(fault).response(status: 400, nonce: nonce, fields: [("X-Simulator-Error", fault.code)])
        }
    }

    /// `GET /connect/qrconnect`.
    func qrConnect(_ request: OwnRequest) -> OwnResponse {
        let form = Form(request.query)
        let (outcome, users, nonce) = shared.with { world, now -> (Result<QRConnectOutcome, PageFault>, [SimulatedWeChatUser], String) in
            var random = SystemRandomNumberGenerator()
            world.log.add(.init(api: "connect/qrconnect", corp: nil, agent: nil, userID: nil, time: now.milliseconds))
            let nonce = SimulatedWorld.opaque(22, &random)
            do throws(PageFault) {
                return (.success(try world.qrConnect(form, now: now, random: &random)), world.wechat.users, nonce)
            } catch {
                return (.failure(error), [], nonce)
            }
        }
        let page = QRConnectPage(path: request.path, form: form, language: Language(request.fields.text("Accept-Language")))
        switch outcome {
        case .success(.redirect(let address)): return OwnResponse(status: 302, fields: [("Location", address), ("Cache-Control", "no-store")])
        case .success(.choose(let app, let isRefused)): return page.choose(app, users, isRefused: isRefused).response(nonce: nonce)
        case .failure(let fault): return page.fault(fault).response(status: 400, nonce: nonce, fields: [("X-Simulator-Error", fault.code)])
        }
    }

    /// The value of a cookie, percent-decoded; nil where there is none or it is empty.
    static func cookie(_ name: String, _ request: OwnRequest) -> String? {
        for crumb in (request.fields.text("Cookie") ?? "").split(separator: ";") {
            let pair = crumb.drop { $0 == " " }
            if pair.hasPrefix(name + "=") {
                let value = Form("v=" + pair.dropFirst(name.count + 1))["v"] ?? ""
                return value.isEmpty ? nil : value
            }
        }
        return nil
    }

    /// `GET /`: what this is, and who holds the phone. `?sim_user=ID` sets the cookie for this browser.
    func front(_ request: OwnRequest) -> OwnResponse {
        let language = Language(request.fields.text("Accept-Language"))
        let (corps, standard) = shared.with { world, _ in (world.corps, world.phoneUser) }
        var random = SystemRandomNumberGenerator()
        let nonce = SimulatedWorld.opaque(22, &random)
        var fields: [(name: String, value: String)] = []
        var current = Self.cookie("sim_user", request) ?? standard
        if let wanted = Form(request.query)["sim_user"], corps.contains(where: { $0.person(wanted) != nil }) {
            current = wanted
            fields.append(("Set-Cookie", "sim_user=\(Form.encode(wanted)); Path=/; HttpOnly; SameSite=Lax"))
        }
        return FrontPage(language: language, corps: corps, current: current).page.response(nonce: nonce, fields: fields)
    }
}
