internal import Access
internal import Bytes
internal import Proxy
internal import HTTP
internal import WeCom

/// The short answers: who one is, the public keys, the start address, assets, ownership files.
extension Portal {
    func me(_ asked: Asked) async throws(Trouble) -> OwnResponse {
        guard let session = try await anySession(asked) else { return noSession(asked) }
        let member = session.member
        var members: [(String, JSONText)] = [
            ("sub", .text(member.account)), ("connection", .text(member.connection)), ("corp", .text(member.corp)), ("user", .text(member.user)),
            ("name", .text(member.name)), ("email", .text(member.email)),
        ]
        if !member.mobile.isEmpty { members.append(("mobile", .text(member.mobile))) }
        members += [
            ("departments", .list(member.departments.map(JSONText.number))), ("tags", .list(member.tags.map(JSONText.number))),
            ("truncated", .flag(false)), ("sid", .text(session.sid)), ("amr", .list(session.amr.map(JSONText.text))),
            ("auth_time", .number(Int(session.authTime.seconds))), ("expires", .text(RFC3339.format(session.expires))),
        ]
        return data("application/json", JSONText.object(members).bytes, cache: "no-store")
    }

    /// For programs, whatever they accept.
    func noSession(_ asked: Asked) -> OwnResponse {
        Problem(
            kind: .loginRequired, status: 401, title: "Login required", detail: "There is no live session with this request.",
            requestID: asked.requestID, loginURL: loginURL(asked.request, asked.origin)
        ).response
    }

    func keySet() -> OwnResponse {
        data("application/json", publicKeys(), cache: "public, max-age=300")
    }

    /// For WeCom's workbench: the site's landing for the device, else its start; after a login where one is needed.
    func home(_ asked: Asked) -> OwnResponse {
        guard asked.request.session != nil else {
            let here = returnAddress("/.menwei/home", on: asked.origin, allowPath: true)
            do { return try siteLogin(asked, Journey(returnTo: here)) } catch { return refuse(.storeDown, asked) }
        }
        let landing = site(of: asked.request)?.landing
        let path = asked.client.isMobile ? landing?.mobile : landing?.desktop
        return redirect(302, asked.origin.text + (path ?? sitePath(asked.request)))
    }

    func asset(_ file: Assets.File) -> OwnResponse {
        data(file.type, file.body, cache: "public, max-age=31536000, immutable")
    }

    /// `/WW_verify_YpAqDE4xoAPsmGSK.txt` and the like, on every origin and before any login: the 16 characters, nothing else. Nil for other paths.
    func ownershipFile(_ request: OwnRequest) -> OwnResponse? {
        guard request.path.hasPrefix("/"), options.ownershipFiles.contains(String(request.path.dropFirst())) else { return nil }
        guard request.method == "GET" || request.method == "HEAD" else {
            return answer(.methodNotAllowed(allow: "GET, HEAD"), to: request, audience: .call)
        }
        return data("text/plain", OwnershipFile.content(of: request.path.dropFirst()), cache: "no-store")
    }
}
