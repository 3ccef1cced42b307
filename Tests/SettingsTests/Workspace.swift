import Foundation
import Settings

/// A folder with the files that configurations name, removed at the end.
final class Workspace {
    let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("menwei-settings-" + UUID().uuidString).path
        try write("tls/fullchain.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        try write("tls/key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        try write("secrets/wecom", "wecom-secret\n")
        try write("secrets/basic", "basic-password\n")
        for name in ["wechat", "partner"] { try write("secrets/" + name, name + "-secret\n") }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ name: String, _ text: String) throws {
        let path = folder + "/" + name
        try FileManager.default.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    func load(_ text: String, hooks: LoadHooks = LoadHooks()) throws -> LoadResult {
        try write("menwei.yaml", text)
        // The folder must outlive the reading.
        return withExtendedLifetime(self) { Configuration.load(file: folder + "/menwei.yaml", hooks: hooks) }
    }

    /// `LINE:COLUMN: message` of each fault.
    func faults(_ text: String, hooks: LoadHooks = LoadHooks()) throws -> [String] { short(try load(text, hooks: hooks).faults) }
    func warnings(_ text: String, hooks: LoadHooks = LoadHooks()) throws -> [String] {
        let result = try load(text, hooks: hooks)
        return short(result.faults).map { "FAULT " + $0 } + short(result.warnings)
    }

    private func short(_ faults: [Fault]) -> [String] {
        faults.map { "\($0.line):\($0.column): " + $0.message.replacingOccurrences(of: folder, with: "DIR") }
    }
}

/// A configuration without a fault, 11 lines, to which tests add or in which they replace.
enum Sample {
    static let listen = #"listen: { https: ["127.0.0.1:8443"] }"#
    static let tls = "tls: { certificates: [ { certificate: tls/fullchain.pem, key: tls/key.pem } ] }"
    static let auth = "auth: { origin: https://auth.corp.example }"
    static let connections = """
        connections:
          - { id: corp, corp_id: ww0123456789abcdef, agent_id: 1000002, secret: { file: secrets/wecom } }
        """
    static let sites = """
        sites:
          - id: wiki
            origin: https://wiki.corp.example
            upstream: http://127.0.0.1:8080
        """
    /// Lines 1 to 9: listen, tls, auth, connections (4–5), sites (6–9).
    static let lines = [listen, tls, auth, connections, sites]

    static func with(_ more: String...) -> String { (lines + more).joined(separator: "\n") + "\n" }
    static func replacing(_ old: String, _ new: String) -> String {
        let text = with()
        precondition(text.contains(old), "the sample has no \(old)")
        return text.replacingOccurrences(of: old, with: new)
    }
    /// The sample with these lines below the site's own, the first of them line 10.
    static func site(_ more: String...) -> String { with(more.map { "    " + $0 }.joined(separator: "\n")) }
}
