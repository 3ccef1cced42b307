import HTTP

/// What was read under `auth`, with what the checks across sections need.
struct AuthDraft {
    var options: AuthOptions
    var originMark: Mark
    var loginPageMark: Mark
    var scanFromMark: Mark
}

extension ConfigurationReader {
    func readAuth(_ node: YAMLNode) -> AuthDraft? {
        let keys: [Key] = [
            "origin", "ownership_files", "login_page", "scan_from", .later("admins", off: .emptyList),
        ]
        guard let section = Section(node, "\"auth\"", keys: keys, findings) else { return nil }
        let files = section.list("ownership_files", Self.readOwnershipFile) ?? []
        let page = section.value("login_page", Read.word(["panel", "redirect", "scan"], key: "login_page"))
        let networks = readNetworks(section, "scan_from")
        guard let origin = section.required("origin", Read.origin) else { return nil }
        var options = AuthOptions(origin: origin)
        options.ownershipFiles = files
        options.loginPage = page.flatMap(AuthOptions.LoginPage.init(rawValue:)) ?? .panel
        options.scanFrom = networks
        return AuthDraft(
            options: options, originMark: section.valueMark("origin"), loginPageMark: section.valueMark("login_page"),
            scanFromMark: section.valueMark("scan_from"))
    }

    /// `WW_verify_` or `MP_verify_`, 16 letters and digits, `.txt`.
    private static func readOwnershipFile(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.text(node)
        let middle = text.dropFirst(10).dropLast(4)
        let fits = (text.hasPrefix("WW_verify_") || text.hasPrefix("MP_verify_")) && text.hasSuffix(".txt")
            && middle.utf8.count == 16 && middle.utf8.allSatisfy(ASCII.isAlphanumeric)
        guard fits else { throw Misread("expected a name such as WW_verify_YpAqDE4xoAPsmGSK.txt, this is \(quoted(text)); the file itself is not needed") }
        return text
    }
}
