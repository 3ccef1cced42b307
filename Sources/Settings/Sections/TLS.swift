/// What was read under `tls`, with what the checks across sections need.
struct TLSDraft {
    var options: TLSOptions
    var mark: Mark
    /// The names of all certificates; nil where they are not known.
    var names: [String]?
}

extension ConfigurationReader {
    func readTLS(_ node: YAMLNode) -> TLSDraft? {
        guard let section = Section(node, "\"tls\"", keys: ["certificates", "minimum_version"], findings) else { return nil }
        var draft = TLSDraft(options: TLSOptions(), mark: section.keyMark("certificates"), names: [])
        if let node = section.node("minimum_version"), let text = Section.read(node, readVersion, findings) { draft.options.minimumVersion = text }
        guard section.requires("certificates"), let list = section.node("certificates"),
            let items = Section.items(list, "certificates", findings)
        else { return nil }
        if items.isEmpty { findings.fault(list.mark, "\"certificates\" needs at least one certificate") }
        for item in items {
            guard let files = readCertificate(item) else {
                draft.names = nil
                continue
            }
            draft.options.certificates.append(files)
            guard let report = hooks.validateCertificate?(files) else {
                draft.names = nil
                continue
            }
            if let problem = report.problem { findings.fault(item.mark, problem) }
            if let warning = report.warning { findings.warn(item.mark, warning) }
            draft.names?.append(contentsOf: report.names)
        }
        return draft
    }

    /// A version is text, but `1.2` without quotes is what many write.
    private func readVersion(_ node: YAMLNode) throws(Misread) -> TLSOptions.Version {
        let text = try Read.scalar(node, "\"1.2\" or \"1.3\"").text
        guard let version = TLSOptions.Version(rawValue: text) else { throw Misread("\"minimum_version\" must be \"1.2\" or \"1.3\", this is \(quoted(text))") }
        return version
    }

    private func readCertificate(_ node: YAMLNode) -> CertificateFiles? {
        guard let section = Section(node, "a certificate", keys: ["certificate", "key"], findings) else { return nil }
        let certificate = section.required("certificate", readPEM("-----BEGIN CERTIFICATE-----", "certificate"))
        let key = section.required("key", readPEM("PRIVATE KEY-----", "private key"))
        guard let certificate, let key else { return nil }
        return CertificateFiles(certificate: certificate, key: key)
    }

    /// A file that can be read and looks like what it should be.
    private func readPEM(_ label: String, _ what: String) -> Section.Reader<String> {
        let paths = paths
        return { (node: YAMLNode) throws(Misread) -> String in
            let path = paths.resolve(try Read.text(node))
            do throws(TextFile.Failure) {
                let bytes = try TextFile.read(path, limit: 1 << 20)
                let text = String(decoding: bytes, as: UTF8.self)
                guard text.contains(label) else { throw TextFile.Failure(why: "holds no \(what) in PEM form") }
                guard !text.contains("BEGIN ENCRYPTED PRIVATE KEY"), !text.contains("Proc-Type: 4,ENCRYPTED") else {
                    throw TextFile.Failure(why: "holds an encrypted private key, and nobody is there to give the passphrase: take it off with openssl pkey")
                }
            } catch {
                throw Misread("the file \(quoted(path: path)) \(error.why)")
            }
            return path
        }
    }
}
