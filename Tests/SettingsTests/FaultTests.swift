import Foundation
import Testing

@testable import Settings

@Suite struct FaultTests {
    /// What replaces a part of the sample, and the faults of it.
    @Test(arguments: [
        ("origin: https://wiki", "orgin: https://wiki", ["7:5: the key \"origin\" is missing", "8:5: unknown key \"orgin\"; did you mean \"origin\"?"]),
        ("upstream: http:", "backend: http:", ["7:5: the key \"upstreams\" (or \"upstream\") is missing", "9:5: unknown key \"backend\""]),
        ("https: [\"127.0.0.1:8443\"]", "https: 5", ["1:18: \"https\" must be a list, this is a number"]),
        ("https: [\"127.0.0.1:8443\"]", "https: []", ["1:18: \"https\" needs at least one address"]),
        ("https: [\"127.0.0.1:8443\"]", "http: []", ["1:9: the key \"https\" is missing"]),
        ("https: [\"127.0.0.1:8443\"]", "https: [\"127.0.0.1:9464\"]", ["1:1: the address 127.0.0.1:9464 is that of \"operations\" by default; set it to another"]),
        ("[\"127.0.0.1:8443\"]", "[\"1.2.3.4:1\", \"1.2.3.4:1\"]", ["1:32: the address 1.2.3.4:1 is taken in line 1 already"]),
        ("[\"127.0.0.1:8443\"]", "[\":8443\"]", ["1:19: expected an address such as 0.0.0.0:8443 or [::]:443, this is \":8443\": for every address write 0.0.0.0:8443"]),
        ("listen: {", "listen: { forward_auth_from: [10.0.0.0/8],", ["1:11: \"forward_auth_from\" is not available in this version"]),
        ("listen: {", "listen: { trusted_proxies: [10.0.0.0/33],", ["1:29: expected a network such as 10.0.0.0/8 or 2001:db8::/32, this is \"10.0.0.0/33\""]),
        ("listen: {", "listen: { proxy_protocol_from: [10.0.0.0/8, balancer],", ["1:45: expected a network such as 10.0.0.0/8 or 2001:db8::/32, this is \"balancer\""]),
        ("key: tls/key.pem }", "key: tls/none.pem }", ["2:63: the file \"DIR/tls/none.pem\" does not exist"]),
        ("key: tls/key.pem }", "key: secrets/wecom }", ["2:63: the file \"DIR/secrets/wecom\" holds no private key in PEM form"]),
        ("key: tls/key.pem }", "key: tls }", ["2:63: the file \"DIR/tls\" is a folder"]),
        ("tls: { ", "tls: { minimum_version: 1.1, ", ["2:25: \"minimum_version\" must be \"1.2\" or \"1.3\", this is \"1.1\""]),
        ("https://auth.corp.example", "http://auth.corp.example", ["3:17: expected an origin such as https://wiki.corp.example, this is \"http://auth.corp.example\": only https is served"]),
        ("https://auth.corp.example", "https://门卫.example", ["3:17: expected an origin such as https://wiki.corp.example, this is \"https://门卫.example\": write the host in its ASCII form (punycode, \"xn--…\")"]),
        ("https://auth.corp.example", "https://auth.corp.example/", ["3:17: expected an origin such as https://wiki.corp.example, this is \"https://auth.corp.example/\": an origin ends after host and port"]),
        ("https://auth.corp.example", "https://auth.corp.example.", ["3:17: expected an origin such as https://wiki.corp.example, this is \"https://auth.corp.example.\": the host ends with a dot"]),
        ("https://auth.corp.example", "https://a:99999", ["3:17: expected an origin such as https://wiki.corp.example, this is \"https://a:99999\": the port must be a number from 1 to 65535"]),
        ("https://auth.corp.example", "https://a@b", ["3:17: expected an origin such as https://wiki.corp.example, this is \"https://a@b\": user names and passwords cannot stand here"]),
        ("https://auth.corp.example", "true", ["3:17: expected an origin such as https://wiki.corp.example, this is \"true\": there is no \"https://\" or the like before the host"]),
        ("auth: {", "auth: { admins: [me],", ["3:9: \"admins\" is not available in this version"]),
        ("auth: {", "auth: { login_page: scan,", ["3:21: \"login_page: scan\" needs \"scan_from\": the networks whose browsers may have a code"]),
        ("auth: {", "auth: { login_page: pannel,", ["3:21: \"login_page\" must be one of panel, redirect, scan, this is \"pannel\"; did you mean \"panel\"?"]),
        ("auth: {", "auth: { scan_from: [office],", ["3:21: expected a network such as 10.0.0.0/8 or 2001:db8::/32, this is \"office\""]),
        ("auth: {", "auth: { ownership_files: [a.txt],", ["3:27: expected a name such as WW_verify_YpAqDE4xoAPsmGSK.txt, this is \"a.txt\"; the file itself is not needed"]),
        ("id: corp", "id: Corp", ["5:11: a connection's id is 1 to 31 of a-z, 0-9 and \"-\", this is \"Corp\""]),
        ("{ id: corp, corp_id: ww0123456789abcdef, agent_id: 1000002,", "{ id: a, type: wechat,", ["5:5: the key \"app_id\" is missing"]),
        ("{ id: corp, corp_id: ww0123456789abcdef, agent_id: 1000002,", "{ id: a, type: wechat, app_id: \"w x\", plain_names: true,", [
            "5:36: expected an app id such as wx0123456789abcdef, this is \"w x\"", "5:43: a WeChat connection cannot have plain_names: its accounts come from the account table",
        ]),
        ("{ id: corp, corp_id: ww0123456789abcdef, agent_id: 1000002,", "{ id: a, type: wechat, app_id: wx1, auto_login: true, scope: snsapi_base,", [
            "5:41: a WeChat connection cannot have auto_login: it has no silent login", "5:59: unknown key \"scope\"",
        ]),
        ("{ id: corp, corp_id: ww0123456789abcdef, agent_id: 1000002,", "{ id: a, type: wechat, app_id: wx1, endpoints: { web_login: \"https://a\" },", [
            "5:54: unknown key \"web_login\"",
        ]),
        ("id: corp", "id: corp, type: wecon", ["5:23: \"type\" must be one of wecom, wechat, this is \"wecon\"; did you mean \"wecom\"?"]),
        ("id: corp", "id: corp, scope: snsapi_userinfo", ["5:24: \"scope\" must be one of snsapi_base, snsapi_privateinfo, this is \"snsapi_userinfo\""]),
        ("id: corp", "id: corp, events: { token: a }", ["5:25: the key \"aes_key\" is missing"]),
        ("id: corp", "id: corp, events: { aes_key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C, token: \"a b\" }",
         ["5:88: a callback's token is 1 to 32 letters and digits, this is something else"]),
        ("id: corp", "id: corp, events: { token: a, aes_key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2 }",
         ["5:46: a callback's aes_key is 43 letters and digits, this is something else"]),
        ("id: corp", "id: corp, events: [ a ]", ["5:25: events must be a mapping, this is a list"]),
        ("id: corp", "id: corp, auto_login: yes", ["5:29: expected true or false, this is \"yes\""]),
        ("id: corp", "id: corp, endpoints: { userinfo: x }", ["5:40: \"userinfo\" must be one of auth/getuserinfo, user/getuserinfo, this is \"x\""]),
        ("1000002", "99999999999999999999", ["5:56: expected a number from 1 to 2147483647, this is \"99999999999999999999\""]),
        ("1000002", "two", ["5:56: expected a whole number, this is \"two\""]),
        ("{ file: secrets/wecom }", "{ file: secrets/none }", ["5:81: the secret's file \"DIR/secrets/none\" does not exist"]),
        ("{ file: secrets/wecom }", "{ file: secrets/empty }", ["5:81: the secret's file \"DIR/secrets/empty\" is empty"]),
        ("{ file: secrets/wecom }", "{ file: secrets/two }", ["5:81: the secret's file \"DIR/secrets/two\" holds more than one line of text"]),
        ("{ file: secrets/wecom }", "{ env: MENWEI_TEST_ABSENT }", ["5:80: the environment variable \"MENWEI_TEST_ABSENT\" is not set or empty"]),
        ("{ file: secrets/wecom }", "{ env: A, file: b }", ["5:73: a secret is either { file: PATH } or { env: NAME }"]),
        ("{ file: secrets/wecom }", "[ a ]", ["5:73: a secret is { file: PATH }, { env: NAME } or a text, this is a list"]),
        ("http://127.0.0.1:8080", "ftp://127.0.0.1:8080", ["9:15: expected an upstream such as http://127.0.0.1:8080, this is \"ftp://127.0.0.1:8080\": the scheme must be http, https, h2c or unix"]),
        ("http://127.0.0.1:8080", "unix://host/a", ["9:15: expected a path such as unix:/run/app.sock, this is \"unix://host/a\""]),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/app", ["9:15: expected an upstream such as http://127.0.0.1:8080, this is \"http://127.0.0.1:8080/app\": an upstream has no path; requests keep their own"]),
        ("upstream: http://127.0.0.1:8080", "upstreams: [ \"http://a\", \"http://b\", \"http://A:80/\" ]", ["9:42: the upstream \"http://A:80/\" is there twice"]),
        ("upstream: http://127.0.0.1:8080", "upstreams: []", ["9:16: \"upstreams\" needs at least one upstream"]),
        ("upstream: http://127.0.0.1:8080", "{ upstream: http://a }: b", ["9:5: a key must be a single text, this is a mapping"]),
    ])
    func faultsOfTheNeededSections(old: String, new: String, faults: [String]) throws {
        let workspace = try Workspace()
        try workspace.write("secrets/empty", "\n")
        try workspace.write("secrets/two", "a\nb\n")
        #expect(try workspace.faults(Sample.replacing(old, new)) == faults)
    }

    /// Lines below the sample's site, the first of them line 10.
    @Test(arguments: [
        ("health: { interval: 5s }", ["10:13: the key \"path\" is missing"]),
        ("health: /healthz", ["10:13: \"health\" must be a mapping, this is text"]),
        ("health: { path: healthz }", ["10:21: the path \"healthz\": a path begins with \"/\""]),
        ("health: { path: /a/../b }", ["10:21: the path \"/a/../b\": no request may have such a path"]),
        ("health: { path: /a b }", ["10:21: the path \"/a b\": no request may have such a path"]),
        ("health: { path: /a, unhealthy_after: 0, healthy_after: 101, interval: 0s }", ["10:42: expected a number from 1 to 100, this is \"0\"", "10:60: expected a number from 1 to 100, this is \"101\"", "10:75: expected a duration from 1s to 1h, this is \"0s\""]),
        ("balance: fair", ["10:14: \"balance\" must be one of least_requests, round_robin, this is \"fair\""]),
        ("strip_path: yes please", ["10:17: expected true or false, this is \"yes please\""]),
        ("landing: /m", ["10:14: \"landing\" must be a mapping, this is text"]),
        ("landing: { phone: /m }", ["10:16: unknown key \"phone\""]),
        ("landing: { mobile: m }", ["10:24: expected a path such as \"/m\" or an address of the site, this is \"m\": there is no \"https://\" or the like before the host"]),
        ("landing: { mobile: \"https://evil.example/\" }", ["10:24: expected a path such as \"/m\" or an address of the site \"wiki\", this is \"https://evil.example/\": the site is at https://wiki.corp.example"]),
        ("landing: { desktop: \"//evil.example/\" }", ["10:25: expected a path such as \"/m\" or an address of the site \"wiki\", this is \"//evil.example/\": no request may have such a path"]),
        ("landing: { desktop: /a/../b }", ["10:25: expected a path such as \"/m\" or an address of the site \"wiki\", this is \"/a/../b\": no request may have such a path"]),
        ("landing: { desktop: /.menwei/home }", ["10:25: expected a path such as \"/m\" or an address of the site \"wiki\", this is \"/.menwei/home\": what is under /.menwei/ is the gateway's own"]),
        ("upstream_tls: { server_name: a }", ["10:5: \"upstream_tls\" needs an upstream with https://"]),
        ("upstream_tls: { ca: none.pem }", ["10:25: the file \"DIR/none.pem\" does not exist"]),
        ("upstream_tls: { ca: secrets/wecom }", ["10:25: the file \"DIR/secrets/wecom\" holds no certificate in PEM form"]),
        ("upstream_tls: { certificate: a.pem }", ["10:21: \"certificate\" needs \"key\" beside it"]),
        ("upstream_tls: { key: a.pem }", ["10:21: \"key\" needs \"certificate\" beside it"]),
        ("upstream_tls: { server_name: \"a b\" }", ["10:34: \"server_name\" must be a host name or an IP address: the host has a character that no host has"]),
        ("upstreams: [ \"http://a\" ]", ["9:5: \"upstream\" and \"upstreams\" cannot both stand here"]),
        ("identity: { basic: { user: a } }", ["10:24: the key \"password\" is missing"]),
        ("identity: { basic: { user: \"a:{account}\", password: { file: secrets/wecom } } }", ["10:32: a user of HTTP Basic has no \":\", which ends it"]),
        ("identity: { basic: { user: \"{acount}\", password: { file: secrets/wecom } } }", ["10:32: unknown placeholder \"{acount}\"; did you mean \"account\"?"]),
        ("identity: { basic: { user: a, password: { file: secrets/none } } }", ["10:53: the secret's file \"DIR/secrets/none\" does not exist"]),
        ("identity: { basic: true }", ["10:24: \"basic\" must be a mapping, this is \"true\", which is true or false in YAML"]),
        ("identity: { signature: rfc9420 }", ["10:28: \"signature\" must be one of none, rfc9421, this is \"rfc9420\"; did you mean \"rfc9421\"?"]),
        ("identity: { headers: [ a ] }", ["10:26: \"headers\" must be a mapping of names to templates, this is a list"]),
        ("identity: { headers: { X-User: \"{id}\", x-user: \"{name}\" } }", ["10:44: \"x-user\" and \"X-User\" are the same header; remove one"]),
        ("identity: { headers: { Traceparent: \"{id}\" } }", ["10:28: \"Traceparent\" is set by the gateway itself"]),
        ("identity: { headers: { X_Forwarded_User: \"{id}\" } }", ["10:28: \"X_Forwarded_User\" and \"X-Forwarded-User\" are the same header to many applications; remove one"]),
        ("identity: { headers: { X-A: \"{acount}\" } }", ["10:33: unknown placeholder \"{acount}\"; did you mean \"account\"?"]),
        ("identity: { headers: { X-A: \"{name|hex}\" } }", ["10:33: unknown encoding \"|hex\"; there are |base64 and |raw"]),
        ("identity: { headers: { X-A: \"{name\" } }", ["10:33: \"{\" and \"}\" stand around a placeholder, as in {account}, and nowhere else"]),
        ("identity: { headers: { Host: \"{id}\" } }", ["10:28: \"Host\" frames, routes or authenticates the request itself and cannot carry an identity"]),
        ("identity: { headers: { content_length: null } }", ["10:28: \"content_length\" frames, routes or authenticates the request itself and cannot carry an identity"]),
        ("identity: { headers: { TE: \"{id}\" } }", ["10:28: \"TE\" belongs to a single connection and cannot carry an identity"]),
        ("identity: { headers: { X-Menwei-User: \"{id}\" } }", ["10:28: \"X-Menwei-User\" is set by the gateway itself"]),
        ("identity: { headers: { \"a b\": \"{id}\" } }", ["10:28: \"a b\" is no header name"]),
        ("identity: { headers: { x-user: 5 } }", ["10:36: expected text, this is a number; put it in quotes"]),
        ("access: [ { allow: { users: [ \"a\\0b\" ] } } ]", ["10:35: expected text without control characters"]),
        ("path: wiki", ["10:11: the path \"wiki\": a path begins with \"/\""]),
        ("path: /wiki/*", ["10:11: the path \"/wiki/*\": a site has all below its path, without \"*\""]),
        ("path: /.menwei/x", ["10:11: the path \"/.menwei/x\": what is under /.menwei/ is the gateway's own"]),
        ("path: /a/../b", ["10:11: the path \"/a/../b\": no request has such a path: \".\" and \"..\" are refused"]),
        ("path: /%ff", ["10:11: the path \"/%ff\" is not UTF-8 when decoded"]),
        ("timeouts: { connect: 0s }", ["10:26: expected a duration from 1s to 30d, this is \"0s\""]),
        ("timeouts: { connect: 5 }", ["10:26: expected a duration such as 90s, 15m, 12h or 7d, this is \"5\""]),
        ("timeouts:", ["10:14: \"timeouts\" must be a mapping, this is nothing"]),
        ("request_body_limit: 10MB", ["10:25: expected a size such as 64KiB, 10MiB or a number of bytes, this is \"10MB\""]),
        ("request_body_limit: -1", ["10:25: expected a size such as 64KiB, 10MiB or a number of bytes, this is \"-1\""]),
        ("paths: { ignore_case: 1 }", ["10:27: expected true or false, this is a number"]),
        ("trusted_origins: [ \"*\" ]", ["10:24: expected an origin such as https://wiki.corp.example, this is \"*\": there is no \"https://\" or the like before the host"]),
        ("host_header: a b", ["10:18: expected \"keep\", \"upstream\" or a host such as wiki.internal:8080, this is \"a b\": the host has a character that no host has"]),
        ("access: []", ["10:13: \"access\" is an empty list; for everybody who is logged in write { allow: members }"]),
        ("access: [ { path: /a } ]", ["10:15: the key \"allow\" is missing"]),
        ("access: [ { alow: members } ]", ["10:15: the key \"allow\" is missing", "10:17: unknown key \"alow\"; did you mean \"allow\"?"]),
        ("access: [ { allow: member } ]", ["10:24: \"allow\" must be one of anyone, members, this is \"member\"; did you mean \"members\"?"]),
        ("access: [ { allow: {} } ]", ["10:24: \"allow\" is empty; for everybody who is logged in write members"]),
        ("access: [ { allow: { x-a: 1 } } ]", ["10:24: \"allow\" names nobody; write anyone, members or { users: […] }"]),
        ("access: [ { allow: { users: [] } } ]", ["10:33: \"users\" is an empty list: nobody could ever pass"]),
        ("access: [ { allow: { users: zhangsan } } ]", ["10:33: \"users\" must be a list, this is text"]),
        ("access: [ { allow: { users: [ \"a b\" ] } } ]", ["10:35: \"a b\" is no account; accounts have no blanks and no \"*\""]),
        ("access: [ { allow: { user: [ a ] } } ]", ["10:24: \"allow\" names nobody; write anyone, members or { users: […] }", "10:26: unknown key \"user\"; did you mean \"users\"?"]),
        ("access: [ { allow: { departments: [] } } ]", ["10:39: \"departments\" is an empty list: nobody could ever pass"]),
        ("access: [ { allow: { departments: 3 } } ]", ["10:39: \"departments\" must be a list, this is a number"]),
        ("access: [ { allow: { departments: [sales] } } ]", ["10:40: \"sales\": departments are written by their number in WeCom, as 3 or CONNECTION/3"]),
        ("access: [ { allow: { departments: [0] } } ]", ["10:40: \"0\": departments are written by their number in WeCom, as 3 or CONNECTION/3"]),
        ("access: [ { allow: { departments: [4294967297] } } ]", ["10:40: \"4294967297\": departments are written by their number in WeCom, as 3 or CONNECTION/3"]),
        ("access: [ { allow: { departments: [corp/3] } } ]", ["10:40: \"corp/3\": departments of \"corp\" are written without \"corp/\""]),
        ("access: [ { allow: { tags: [crop/3] } } ]", ["10:33: \"crop/3\": there is no connection \"crop\"; did you mean \"corp\"?"]),
        ("access: [ { allow: { tags: null } } ]", ["10:32: \"tags\" must be a list, this is nothing"]),
        ("access: [ { allow: { connections: [crop] } } ]", ["10:40: there is no connection \"crop\"; did you mean \"corp\"?"]),
        ("access: [ { allow: { connections: [] } } ]", ["10:39: \"connections\" is an empty list: nobody could ever pass"]),
        ("access: [ { allow: { networks: [] } } ]", ["10:36: \"networks\" is an empty list: nobody could ever pass"]),
        ("access: [ { allow: { networks: [10.0.0.0/33] } } ]", ["10:37: expected a network such as 10.0.0.0/8 or 2001:db8::/32, this is \"10.0.0.0/33\""]),
        ("access: [ { allow: { hours: [] } } ]", ["10:33: \"hours\" is an empty list: nobody could ever pass"]),
        ("access: [ { allow: { hours: \"Mon-Fri 08:00-20:00\" } } ]", ["10:33: \"Mon-Fri 08:00-20:00\" names no time zone; add one, such as Asia/Shanghai or UTC"]),
        ("access: [ { allow: { hours: \"Mon-Fri 08:00-20:00 Asia/Shangai\" } } ]",
            ["10:33: the system knows no time zone \"Asia/Shangai\"; names are those of tzdata, such as Asia/Shanghai or UTC"]),
        ("access: [ { allow: { hours: \"Mon-Fri 08:00-20:00 ../../etc/passwd\" } } ]",
            ["10:33: the system knows no time zone \"../../etc/passwd\"; names are those of tzdata, such as Asia/Shanghai or UTC"]),
        ("access: [ { allow: { hours: \"Mon-Fri 08:00-25:00 UTC\" } } ]", ["10:33: expected hours such as \"Mon-Fri 08:00-20:00 Asia/Shanghai\", this is \"Mon-Fri 08:00-25:00 UTC\""]),
        ("access: [ { allow: { hours: \"Mon-Fri 08:00-08:00 UTC\" } } ]", ["10:33: \"Mon-Fri 08:00-08:00 UTC\" ends when it begins; the whole day is 00:00-24:00"]),
        ("access: [ { allow: { hours: \"Mon-Fry 08:00-20:00 UTC\" } } ]", ["10:33: \"Mon-Fry\" are no days; write Mon-Fri or Mon,Wed,Sat"]),
        ("access: [ { allow: { hours: [ \"08:00-20:00 UTC\", 5 ] } } ]", ["10:54: expected text, this is a number; put it in quotes"]),
        ("access: [ { allow: { anyone: true, departments: [3] } } ]", ["10:40: \"departments\" need a login, which \"anyone\" does not ask for"]),
        ("access: [ { allow: { anyone: true, hours: \"08:00-20:00 UTC\" } } ]", ["10:40: \"hours\" need a login, which \"anyone\" does not ask for"]),
        ("access: [ { allow: { anyone: true, users: [a] } } ]", ["10:40: \"users\" need a login, which \"anyone\" does not ask for"]),
        ("access: [ { allow: { anyone: false } } ]", ["10:34: \"anyone\" can only be true; leave it out otherwise"]),
        ("access: [ { allow: members, max_age: 15 } ]", ["10:42: expected a duration such as 90s, 15m, 12h or 7d, this is \"15\""]),
        ("access: [ { allow: members, max_age: 0 } ]", ["10:42: expected a duration from 1s to 3650d, this is \"0\""]),
        ("access: [ { allow: anyone, max_age: 15m } ]", ["10:32: \"max_age\" needs a login, which \"anyone\" does not ask for"]),
        ("enforcement: watch", ["10:18: \"enforcement\" must be one of required, login, observe, this is \"watch\""]),
        ("access: [ { methods: [get], allow: members } ]", ["10:27: methods are written in capitals: GET"]),
        ("access: [ { methods: [], allow: members } ]", ["10:26: \"methods\" is an empty list; without the key the rule is for every method"]),
        ("access: [ { methods: [TRACE], allow: members } ]", ["10:27: TRACE requests are always refused; no rule sees them"]),
        ("access: [ { methods: [\"A B\"], allow: members } ]", ["10:27: \"A B\" is no request method"]),
        ("access: [ { path: /a*, allow: members } ]", ["10:23: the path \"/a*\": \"*\" can only stand at the end, after \"/\""]),
        ("access: [ { path: /*/a/*, allow: members } ]", ["10:23: the path \"/*/a/*\": \"*\" can only stand at the end, after \"/\""]),
        ("access: [ { path: /a%zz, allow: members } ]", ["10:23: the path \"/a%zz\": \"%\" needs two hex digits after it; write %25 for the character"]),
        ("access: [ { path: \"/a?b\", allow: members } ]", ["10:23: the path \"/a?b\": a path has no \"?\", \"#\", \"\\\" and no control characters; write %3F or %23 for the first two"]),
    ])
    func faultsOfASite(line: String, faults: [String]) throws {
        #expect(try Workspace().faults(Sample.site(line)) == faults)
    }

    /// A further top-level line, line 10.
    @Test(arguments: [
        ("acounts: {}", ["10:1: unknown key \"acounts\"; did you mean \"accounts\"?"]),
        ("accounts: { mode: closed }", ["10:19: \"mode\" must be one of open, known, this is \"closed\""]),
        ("accounts: { match: [name] }", ["10:21: \"match\" must be one of id, email, mobile, this is \"name\""]),
        ("accounts: { match: id }", ["10:20: \"match\" must be a list, this is text"]),
        ("accounts: { bind: always }", ["10:19: \"bind\" must be one of never, ask, this is \"always\""]),
        ("accounts: { store: \"memory:\" }", ["10:20: \"store\" must be sqlite:PATH, this is \"memory:\""]),
        ("accounts: { store: \"sqlite:nowhere/a.db\" }", ["10:20: the folder \"DIR/nowhere\" of the database does not exist"]),
        ("accounts: { acount: 1 }", ["10:13: unknown key \"acount\""]),
        ("sessions: { store: \"redis://localhost:6379/0\" }", ["10:20: \"store: redis://\" is not available in this version"]),
        ("sessions: { store: \"sqlite:\" }", ["10:20: \"store\": the path of the database is missing after sqlite:"]),
        ("sessions: { store: \"sqlite:none/a.db\" }", ["10:20: the folder \"DIR/none\" of the database does not exist"]),
        ("sessions: { store: menwei.db }", ["10:20: \"store\" must be sqlite:PATH or memory, this is \"menwei.db\""]),
        ("sessions: { idle_timeout: 12 }", ["10:27: expected a duration such as 90s, 15m, 12h or 7d, this is \"12\""]),
        ("sessions: { lifetime: 0 }", ["10:23: expected a duration from 1s to 3650d, this is \"0\""]),
        ("signing: { algorithm: HS256 }", ["10:23: \"algorithm\" must be one of ES256, EdDSA, RS256, this is \"HS256\"; did you mean \"ES256\"?"]),
        ("signing: { rotate_every: 30 }", ["10:26: expected a duration such as 90s, 15m, 12h or 7d, this is \"30\""]),
        ("signing: { algorithm: none }", ["10:23: \"algorithm\" must be one of ES256, EdDSA, RS256, this is \"none\""]),
        ("signing: { keys: tls/key.pem }", ["10:18: the key folder \"DIR/tls/key.pem\" is no folder"]),
        ("signing: { keys: a/b }", ["10:18: the folder \"DIR/a\" of the key folder does not exist"]),
        ("log: { format: text }", ["10:16: \"format\" must be \"json\", this is \"text\""]),
        ("log: { level: wran }", ["10:15: \"level\" must be one of debug, info, warn, error, this is \"wran\"; did you mean \"warn\"?"]),
        ("site_defaults: { id: a }", ["10:18: unknown key \"id\""]),
        ("site_defaults: { helth: null }", ["10:18: unknown key \"helth\"; did you mean \"health\"?"]),
        ("listen: {}", ["1:9: the key \"https\" is missing"]),
    ])
    func faultsOfTheOtherSections(line: String, faults: [String]) throws {
        let text = line == "listen: {}" ? Sample.replacing(Sample.listen, line) : Sample.with(line)
        #expect(try Workspace().faults(text) == faults)
    }

    @Test func allFaultsAreFoundInOneRunInTheOrderOfTheFile() throws {
        let text = "listen: { https: [ nonsense ] }\ntls: 5\nconnections: []\nsites:\n  - id: a b\n    upstream: ftp://x\n    timeouts: { idle: never }\n"
        #expect(try Workspace().faults(text).map { $0.prefix { $0 != " " } } == ["1:1:", "1:20:", "2:6:", "3:14:", "5:5:", "5:9:", "6:15:", "7:23:"])
    }

    @Test func aConfigurationThatCannotBeReadIsAFault() throws {
        let workspace = try Workspace()
        #expect(Configuration.load(file: workspace.folder + "/none.yaml").messages == ["\(workspace.folder)/none.yaml:1:1: the configuration does not exist"])
        #expect(Configuration.load(file: workspace.folder).messages == ["\(workspace.folder):1:1: the configuration is a folder"])
        #expect(try workspace.faults("") == ["1:1: the configuration is empty; it needs listen, tls, auth, connections and sites"])
        #expect(try workspace.faults("- a\n") == ["1:1: the configuration must be a mapping, this is a list"])
        #expect(try workspace.faults("a: 1\na: 2\n").contains("2:1: the key \"a\" stands here a second time, first in line 1"))
    }

    @Test func whatAnAliasRepeatsIsFoundOnce() throws {
        let text = Sample.site("timeouts: &t { idel: 1s }") + "  - { id: b, origin: https://b.example, upstream: http://b, timeouts: *t }\n"
        #expect(try Workspace().faults(text) == ["10:20: unknown key \"idel\"; did you mean \"idle\"?"])
    }

    @Test func faultsDoNotGrowWithoutBound() throws {
        let text = Sample.with((0..<2000).map { "unknown\($0): 1" }.joined(separator: "\n"))
        #expect(try Workspace().faults(text).count == Findings.maximum)
    }

    @Test func faultsAndWarningsHaveTheirForm() {
        let fault = Fault(file: "a.yaml", line: 3, column: 7, message: "text")
        #expect(fault.faultLine == "a.yaml:3:7: text")
        #expect(fault.warningLine == "a.yaml:3:7: warning: text")
    }
}
