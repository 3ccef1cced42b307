import HTTP
import Proxy
import TLS

extension ConfigurationReader {
    /// `upstream_tls`: the files are read here, so that `check` finds what is wrong with them.
    func readUpstreamTLS(_ node: YAMLNode) -> UpstreamTLS? {
        if node.isNull { return UpstreamTLS() }
        guard let section = Section(node, "\"upstream_tls\"", keys: ["ca", "server_name", "certificate", "key"], findings) else { return nil }
        func given(_ key: String) -> Bool { section.node(key).map { !$0.isNull } ?? false }
        var tls = UpstreamTLS()
        if given("server_name") { tls.serverName = section.value("server_name", Self.readServerName) }
        if given("ca") { tls.authoritiesPEM = section.value("ca", readAuthorities) }
        if given("certificate") != given("key") {
            let (has, lacks) = given("key") ? ("key", "certificate") : ("certificate", "key")
            findings.fault(section.keyMark(has), "\"\(has)\" needs \"\(lacks)\" beside it")
        } else if given("key"), let chain = section.value("certificate", readFile), let key = section.value("key", readFile) {
            do throws(TLSError) {
                tls.certificate = try CertificateMaterial(chainPEM: chain, keyPEM: key)
            } catch {
                let at = error.code == .certificate ? "certificate" : "key"
                findings.fault(section.valueMark(at), "the \(at) cannot be used: \(error.reason)")
            }
        }
        return tls
    }

    /// A host name, or an IP address (which is then looked for among the certificate's addresses).
    private static func readServerName(_ node: YAMLNode) throws(Misread) -> String {
        let text = try Read.text(node).lowercased()
        if IPText.isIPv6(text) { return text }
        if let problem = HostText.problem(text) { throw Misread("\"server_name\" must be a host name or an IP address: \(problem)") }
        return text
    }

    private func readAuthorities(_ node: YAMLNode) throws(Misread) -> [UInt8] {
        let bytes = try readFile(node)
        guard let count = TLSClientOptions.countAuthorities(pem: bytes), count > 0 else {
            throw Misread("the file \(quoted(path: paths.resolve(try Read.text(node)))) holds no certificate in PEM form")
        }
        return bytes
    }

    private func readFile(_ node: YAMLNode) throws(Misread) -> [UInt8] {
        let path = paths.resolve(try Read.text(node))
        do throws(TextFile.Failure) {
            return try TextFile.read(path, limit: 1 << 20)
        } catch {
            throw Misread("the file \(quoted(path: path)) \(error.why)")
        }
    }
}
