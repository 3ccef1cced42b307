import Access
import Foundation
import HTTP
import Proxy
import Testing
import WeCom

@testable import Settings

@Suite struct DefaultsTests {
    @Test func theLeastConfigurationHasEveryDefaultOfTheContract() throws {
        let workspace = try Workspace()
        let result = try workspace.load(Sample.with())
        #expect(result.faults == [])
        #expect(result.warnings == [])
        let configuration = try #require(result.configuration)

        #expect(configuration.listen.https == [ListenAddress(host: "127.0.0.1", port: 8443)])
        #expect(configuration.listen.http == [])
        #expect(configuration.listen.operations == ListenAddress(host: "127.0.0.1", port: 9464))
        #expect(configuration.tls.minimumVersion == .tls12)
        #expect(configuration.tls.certificates == [CertificateFiles(certificate: workspace.folder + "/tls/fullchain.pem", key: workspace.folder + "/tls/key.pem")])
        #expect(configuration.auth.origin == Origin(host: "auth.corp.example"))
        #expect(configuration.auth.ownershipFiles == [])
        #expect(configuration.auth.loginPage == .panel)
        #expect(configuration.sessions.store == .sqlite(workspace.folder + "/menwei.db"))
        #expect(configuration.sessions.limits == SessionLimits(idle: .seconds(43200), lifetime: .seconds(604_800)))
        #expect(configuration.sessions.recheck == .seconds(600))
        #expect(configuration.sessions.recheckGrace == .seconds(3600))
        #expect(configuration.signing.keys == workspace.folder + "/keys")
        #expect(configuration.signing.lifetime == .seconds(120))
        #expect(configuration.log.level == .info)
    }

    @Test func aConnectionHasEveryDefaultOfTheContract() throws {
        let workspace = try Workspace()
        let connection = try #require(try workspace.load(Sample.with()).configuration?.connections.first)
        #expect(connection.id == "corp")
        let app = try #require(connection.wecom)
        #expect(app.corpID == "ww0123456789abcdef")
        #expect(app.agentID == 1_000_002)
        #expect(app.secret == "wecom-secret")
        #expect(connection.name == ConnectionOptions.Name(zh: "企业微信", en: "WeCom"))
        #expect(connection.plainNames)
        #expect(app.autoLogin)
        #expect(app.visibleRangeOnly)
        #expect(app.scope == .base)
        #expect(app.endpoints.api == "https://qyapi.weixin.qq.com")
        #expect(app.endpoints.authorize == "https://open.weixin.qq.com/connect/oauth2/authorize")
        #expect(app.endpoints.webLogin == "https://login.work.weixin.qq.com/wwlogin/sso/login")
        #expect(app.endpoints.userinfo == "auth/getuserinfo")
    }

    @Test func aSiteHasEveryDefaultOfTheContract() throws {
        let workspace = try Workspace()
        let site = try #require(try workspace.load(Sample.with()).configuration?.sites.first)
        #expect(site.origin == Origin(host: "wiki.corp.example"))
        #expect(site.path == "/")
        #expect(site.upstreams == [UpstreamAddress(host: "127.0.0.1", port: 8080, text: "http://127.0.0.1:8080")])
        #expect(site.balance == .leastRequests)
        #expect(site.health == nil)
        #expect(site.hostHeader == .keep)
        #expect(!site.anyEncoding)
        #expect(!site.ignoreCase)
        #expect(site.trustedOrigins == [])
        #expect(site.rules == [])
        #expect(site.timeouts == SiteOptions.Timeouts())
        #expect(site.timeouts.connect == .seconds(5))
        #expect(site.timeouts.response == .seconds(60))
        #expect(site.timeouts.idle == .seconds(600))
        #expect(site.requestBodyLimit == 100 << 20)
        #expect(site.identityHeaders.map(\.name) == ["X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Forwarded-Name", "X-Forwarded-Email", "X-Forwarded-Groups"])
        #expect(site.identityHeaders.map(\.parts) == [.account, .account, .name, .email, .groups].map { [.placeholder($0, .percent)] })
    }

    @Test func laterKeysMayHaveTheirDefaults() throws {
        let workspace = try Workspace()
        let more = """
                path: /
                upstream_tls: { ca: null, server_name: null, certificate: null, key: null }
                strip_path: false
                landing: { mobile: null, desktop: null }
                enforcement: required
                identity: { basic: null, signature: none }
            accounts: { mode: open, match: [], bind: never, store: null }
            site_defaults: {}
            """
        var text = Sample.with(more.replacingOccurrences(of: "\n    ", with: "\n    "), "sessions: { password: null }")
        text = text.replacingOccurrences(of: #"https: ["127.0.0.1:8443"]"#, with: #"https: ["127.0.0.1:8443"], proxy_protocol_from: [], trusted_proxies: [], forward_auth_from: []"#)
        text = text.replacingOccurrences(of: "origin: https://auth.corp.example", with: "origin: https://auth.corp.example, admins: [], scan_from: []")
        text = text.replacingOccurrences(of: "id: corp,", with: "id: corp, type: wecom, scope: snsapi_base, events: null,")
        #expect(try workspace.warnings(text) == [])
    }

    @Test func numbersMayBeQuotedAndAnchorsUsed() throws {
        let workspace = try Workspace()
        let text = """
            x-anything: { goes: &limit 1MiB }
            \(Sample.replacing("1000002", "\"1000002\""))    request_body_limit: *limit
                timeouts: &t { connect: 1s, x-why: slow }
              - { id: b, origin: "https://b.example:8443", upstreams: ["http://[::1]:81/"], timeouts: { <<: *t, idle: 1h } }
            """
        let configuration = try #require(try workspace.load(text).configuration)
        #expect(configuration.connections[0].wecom?.agentID == 1_000_002)
        #expect(configuration.sites[0].requestBodyLimit == 1 << 20)
        #expect(configuration.sites[1].timeouts.connect == .seconds(1))
        #expect(configuration.sites[1].timeouts.idle == .seconds(3600))
        #expect(configuration.sites[1].origin == Origin(host: "b.example", port: 8443))
        #expect(configuration.sites[1].upstreams[0].host == "::1")
    }

    @Test func checksHaveDefaultsAndASiteMayDoWithoutThem() throws {
        let workspace = try Workspace()
        let text = Sample.site("health: null") + """
              - { id: b, origin: https://b.example, upstream: http://b }
              - { id: c, origin: https://c.example, upstream: http://c, health: { path: "/live?full=1", interval: 30s, unhealthy_after: 1, healthy_after: 2 } }
            site_defaults: { health: { path: /healthz } }
            """
        let sites = try #require(try workspace.load(text).configuration?.sites)
        #expect(sites[0].health == nil)
        #expect(sites[1].health == SiteOptions.HealthCheck(path: "/healthz"))
        #expect(sites[1].health?.interval == .seconds(5) && sites[1].health?.unhealthyAfter == 3 && sites[1].health?.healthyAfter == 1)
        #expect(sites[2].health?.path == "/live?full=1" && sites[2].health?.interval == .seconds(30))
        #expect(sites[2].health?.unhealthyAfter == 1 && sites[2].health?.healthyAfter == 2)
    }

    @Test func aSiteMayHaveSeveralUpstreams() throws {
        let workspace = try Workspace()
        let one = Sample.with().replacingOccurrences(of: "upstream: http://127.0.0.1:8080", with: "upstreams: [ \"http://a\", \"http://a:81\", \"http://b\" ]\n    balance: round_robin")
        let site = try #require(try workspace.load(one).configuration?.sites.first)
        #expect(site.upstreams.map(\.text) == ["http://a", "http://a:81", "http://b"])
        #expect(site.balance == .roundRobin)
        let many = (1...65).map { "\"http://a:\($0)\"" }.joined(separator: ", ")
        let faults = try workspace.faults(Sample.replacing("upstream: http://127.0.0.1:8080", "upstreams: [ \(many) ]"))
        #expect(faults.count == 1 && faults[0].hasSuffix("a site has at most 64 upstreams"))
    }

    @Test func siteDefaultsAreReplacedAndHeadersMerged() throws {
        let workspace = try Workspace()
        let text = Sample.site("request_body_limit: 0", "host_header: wiki.internal:8080", "identity: { headers: { Remote-User: \"{account}\", X-Forwarded-Email: null } }") + """
            site_defaults:
              request_body_limit: 1KiB
              host_header: upstream
              timeouts: { response: 5m }
              paths: { encoding: any, ignore_case: true }
              trusted_origins: [ "https://App.corp.example:443" ]
              access: [ { allow: anyone } ]
              identity: { headers: { X-Team: "{groups|base64}", Remote-User: "{id}" } }
            """
        let site = try #require(try workspace.load(text).configuration?.sites.first)
        #expect(site.requestBodyLimit == 0)
        #expect(site.hostHeader == .literal("wiki.internal:8080"))
        #expect(site.timeouts.response == .seconds(300))
        #expect(site.anyEncoding && site.ignoreCase)
        #expect(site.trustedOrigins == ["https://app.corp.example"])
        #expect(site.rules.map(\.allow) == [.anyone])
        #expect(site.identityHeaders.map(\.name) == ["X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Forwarded-Name", "X-Forwarded-Groups", "X-Team", "Remote-User"])
        #expect(site.identityHeaders.last?.parts == [.placeholder(.account, .percent)])
    }

    @Test func rulesAreReadInOrderWithTheirLines() throws {
        let workspace = try Workspace()
        let text = Sample.site(
            "access:", "  - { path: /assets/*, allow: anyone }", "  - { path: /%61dmin, methods: [POST, PROPFIND], allow: { users: [ZhangSan, 10086] } }",
            "  - { path: /*, allow: { anyone: true } }")
        let rules = try #require(try workspace.load(text).configuration?.sites.first?.rules)
        #expect(rules.map(\.path) == [.under(Array("/assets".utf8)), .exactly(Array("/admin".utf8)), .any])
        #expect(rules.map(\.pattern) == ["/assets/*", "/%61dmin", "/*"])
        #expect(rules.map(\.methods) == [[], ["POST", "PROPFIND"], []])
        #expect(rules.map(\.allow) == [.anyone, .users(["zhangsan", "10086"]), .anyone])
        #expect(rules.map(\.source) == [11, 12, 13].map { "\(workspace.folder)/menwei.yaml:\($0)" })
    }

    @Test func aWeChatConnectionHasEveryDefaultOfTheContract() throws {
        let workspace = try Workspace()
        let text = Sample.with().replacingOccurrences(
            of: "connections:\n", with: "connections:\n  - { id: weixin, type: wechat, app_id: wx0123456789abcdef, secret: { file: secrets/wechat } }\n")
        let result = try workspace.load(text)
        #expect(result.messages == [])
        let connections = try #require(result.configuration?.connections)
        var app = WeChatApp(appID: "wx0123456789abcdef", secret: "wechat-secret")
        app.endpoints.api = "https://api.weixin.qq.com"
        app.endpoints.authorize = "https://open.weixin.qq.com/connect/qrconnect"
        #expect(connections[0] == ConnectionOptions(id: "weixin", name: .init(zh: "微信", en: "WeChat"), plainNames: false, .wechat(app)))
        #expect(connections[0].corp == "wx0123456789abcdef")
        // The only one of WeCom's has plain names and logs in silently, wherever it stands.
        #expect(connections[1].plainNames && connections[1].wecom?.autoLogin == true)
    }

    @Test(arguments: [
        ("{ mobile: /m, desktop: \"/admin/?view=all#/board\" }", "/m", "/admin/?view=all#/board"),
        ("{ mobile: \"https://WIKI.corp.example:443/a%20b?x\", desktop: https://wiki.corp.example }", "/a%20b?x", "/"),
        ("{ mobile: \"/#/m\", desktop: /首页 }", "/#/m", "/%E9%A6%96%E9%A1%B5"), ("{ mobile: null }", nil, nil), ("{}", nil, nil),
    ])
    func landingsAreAddressesOfTheSite(_ text: String, _ mobile: String?, _ desktop: String?) throws {
        let site = try #require(try Workspace().load(Sample.site("landing: " + text)).configuration?.sites.first)
        #expect(site.landing == SiteOptions.Landing(mobile: mobile, desktop: desktop))
    }

    @Test func aSitesLandingStandsForTheDefaultsAndLiesInTheSite() throws {
        let workspace = try Workspace()
        let defaults = "site_defaults: { landing: { mobile: /m, desktop: /d } }"
        #expect(try workspace.load(Sample.with(defaults)).configuration?.sites.first?.landing == SiteOptions.Landing(mobile: "/m", desktop: "/d"))
        #expect(try workspace.load(Sample.site("landing: { mobile: /x }", "path: /") + defaults).configuration?.sites.first?.landing == SiteOptions.Landing(mobile: "/x"))
        let below = "path: /wiki"
        #expect(try workspace.faults(Sample.site(below, "landing: { mobile: /wiki/m, desktop: /wikid }")).map { $0.prefix { $0 != " " } } == ["11:42:"])
        #expect(try workspace.load(Sample.site(below, "landing: { mobile: /wiki/m, desktop: /wiki }")).configuration?.sites.first?.landing.desktop == "/wiki")
    }

    @Test func ofTwoConnectionsOneIsPlainAndOneSilent() throws {
        let workspace = try Workspace()
        let text = Sample.with().replacingOccurrences(
            of: "\nsites:", with: "\n  - { id: sub, plain_names: true, auto_login: true, corp_id: ww2, agent_id: 7, secret: { file: secrets/wecom }, name: 子公司 }\nsites:")
        let connections = try #require(try workspace.load(text).configuration?.connections)
        #expect(connections.map(\.plainNames) == [false, true])
        #expect(connections.map(\.wecom?.autoLogin) == [false, true])
        #expect(connections[1].name == ConnectionOptions.Name(zh: "子公司", en: "子公司"))
    }
}
