import Foundation
import Proxy
import Testing
import WeCom

@testable import Settings

@Suite struct ExampleTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/Config"
    static let names = ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()

    @Test func thereAreExamples() {
        #expect(Set(["one-site.yaml", "reference.yaml", "examples/many-sites.yaml", "examples/observe-first.yaml", "examples/private-deployment.yaml", "examples/wechat-beside-wecom.yaml"]).isSubset(of: Self.names))
    }

    @Test(arguments: names)
    func everyExampleLoadsWithoutFaultOrWarning(name: String) throws {
        let workspace = try Workspace()
        try workspace.write("secrets/partner", "partner-secret\n")
        // The service's own folder need not be on the machine that tests.
        let text = try String(contentsOfFile: Self.folder + "/" + name, encoding: .utf8).replacingOccurrences(of: "/var/lib/menwei/", with: "")
        let warnings = try workspace.warnings(text)
        // What only observes is warned of for as long as it does.
        #expect(warnings.filter { !(name == "examples/observe-first.yaml" && $0.contains("enforcement: observe")) } == [])
    }

    /// What the reference says is the default is what the least configuration comes to.
    @Test func theReferenceNamesTheDefaults() throws {
        let workspace = try Workspace()
        let reference = try #require(try workspace.load(try String(contentsOfFile: Self.folder + "/reference.yaml", encoding: .utf8)).configuration)
        let least = try #require(try workspace.load(Sample.with()).configuration)
        #expect(reference.listen.operations == least.listen.operations)
        #expect(reference.listen.http == least.listen.http)
        #expect(reference.tls == least.tls)
        #expect(reference.auth == least.auth)
        #expect(reference.connections.filter { $0.wecom != nil } == least.connections)
        #expect(reference.accounts == least.accounts)
        #expect(reference.sessions == least.sessions)
        #expect(reference.signing == least.signing)
        #expect(reference.log == least.log)
        #expect(reference.sites[0].timeouts == least.sites[0].timeouts)
        #expect(reference.sites[0].requestBodyLimit == least.sites[0].requestBodyLimit)
        #expect(reference.sites[0].hostHeader == least.sites[0].hostHeader)
        #expect(Array(reference.sites[0].identityHeaders.dropLast()) == least.sites[0].identityHeaders)
    }

}
