import Bytes
import Testing

@testable import Settings

@Suite struct CommandLineTests {
    private func parse(_ line: String) throws(UsageFault) -> Command {
        try CommandLine.parse(line.split(separator: " ").map(String.init))
    }

    private func fault(_ line: String) -> String {
        do throws(UsageFault) {
            return "\(try parse(line))"
        } catch {
            return String(error.message.prefix { $0 != "\n" })
        }
    }

    @Test func commandsAreRead() throws {
        #expect(try parse("run --config a.yaml") == .run(config: "a.yaml"))
        #expect(try parse("check --config=a.yaml") == .check(config: "a.yaml"))
        #expect(try parse("doctor --config a.yaml") == .doctor(config: "a.yaml"))
        #expect(try parse("demo") == .demo(port: 8443))
        #expect(try parse("demo --port 9443") == .demo(port: 9443))
        #expect(try parse("simulator --listen [::1]:9000") == .simulator(listen: ListenAddress(host: "::1", port: 9000)))
        #expect(try parse("version") == .version)
        #expect(try parse("--version") == .version)
    }

    @Test func sessionsAreListedAndRevoked() throws {
        func sessions(_ action: SessionsRequest.Action) -> Command { .sessions(SessionsRequest(config: "a.yaml", action: action)) }
        #expect(try parse("sessions --config a.yaml list") == sessions(.list(user: nil, json: false)))
        #expect(try parse("sessions list --json --user ZhangSan --config a.yaml") == sessions(.list(user: "ZhangSan", json: true)))
        #expect(try parse("sessions --config a.yaml revoke s1") == sessions(.revoke(.sid("s1"))))
        #expect(try parse("sessions --config a.yaml revoke -- -s1") == sessions(.revoke(.sid("-s1"))))
        #expect(try parse("sessions --config a.yaml revoke --user partner/lisi") == sessions(.revoke(.user("partner/lisi"))))
        #expect(try parse("sessions --config a.yaml revoke --all") == sessions(.revoke(.all)))
    }

    @Test func keysTakesItsOptionsInAnyOrder() throws {
        #expect(try parse("keys --config a.yaml list") == .keys(KeysRequest(config: "a.yaml", action: .list(json: false))))
        #expect(try parse("keys list --json --config a.yaml") == .keys(KeysRequest(config: "a.yaml", action: .list(json: true))))
        #expect(try parse("keys --now --config=a.yaml rotate") == .keys(KeysRequest(config: "a.yaml", action: .rotate(now: true))))
    }

    @Test func explainTakesItsOptionsInAnyOrder() throws {
        var request = ExplainRequest(config: "a.yaml", method: "GET", url: "https://wiki.corp.example/")
        #expect(try parse("explain GET https://wiki.corp.example/ --config a.yaml") == .explain(request))
        request.user = "zhangsan"
        request.connection = "corp"
        request.departments = [3, 4]
        request.tags = [7]
        request.address = IPAddress("10.0.0.1")
        request.at = WallTime(seconds: 1_769_846_400)
        request.age = .seconds(900)
        let line = "explain --config a.yaml --user zhangsan --connection corp --department 3 --department 4 --tag 7 --ip 10.0.0.1 --at 2026-01-31T08:00:00Z --age 15m GET https://wiki.corp.example/"
        #expect(try parse(line) == .explain(request))
    }

    @Test(arguments: [
        ("", "menwei: a command is missing"),
        ("rn --config a", "menwei: unknown command \"rn\"; did you mean \"run\"?"),
        ("chekc --config a", "menwei: unknown command \"chekc\"; did you mean \"check\"?"),
        ("frobnicate", "menwei: unknown command \"frobnicate\""),
        ("--verbose", "menwei: unknown option \"--verbose\""),
        ("doctor", "menwei doctor: --config is missing"),
        ("report --config a", "menwei report: LOG is missing: a file with access records, or - for standard input"),
        ("keys rotate", "menwei keys: --config is missing"),
        ("sessions list", "menwei sessions: --config is missing"),
        ("sessions --config a", "menwei sessions: list or revoke is missing"),
        ("sessions --config a revok s", "menwei sessions: unknown action \"revok\"; did you mean \"revoke\"?"),
        ("sessions --config a list s1", "menwei sessions: unexpected argument \"s1\""),
        ("sessions --config a list --all", "menwei sessions: --all is for revoke; list shows all without it"),
        ("sessions --config a revoke", "menwei sessions: one of SID, --user ACCOUNT and --all is needed"),
        ("sessions --config a revoke s1 --all", "menwei sessions: one of SID, --user ACCOUNT and --all is needed"),
        ("sessions --config a revoke --all --json", "menwei sessions: --json is for list"),
        ("keys --config a", "menwei keys: list or rotate is missing"),
        ("keys --config a rotat", "menwei keys: unknown action \"rotat\"; did you mean \"rotate\"?"),
        ("keys --config a list --now", "menwei keys: --now is for rotate"),
        ("keys --config a rotate --json", "menwei keys: --json is for list"),
        ("keys --config a rotate --now=1", "menwei keys: --now takes no value"),
        ("keys --config a list --json --json", "menwei keys: --json is given twice"),
        ("keys --config a list more", "menwei keys: unexpected argument \"more\""),
        ("accounts list", "menwei accounts: --config is missing"),
        ("accounts --config a", "menwei accounts: what to do is missing: one of list, export, import, bind, unbind, code, remove"),
        ("accounts --config a lst", "menwei accounts: unknown action \"lst\"; did you mean \"list\"?"),
        ("accounts --config a list more", "menwei accounts: unexpected argument \"more\""),
        ("accounts --config a import", "menwei accounts: import needs a file"),
        ("accounts --config a bind boss", "menwei accounts: bind needs CONNECTION/USER"),
        ("accounts --config a bind boss zhangsan", "menwei accounts: who is to be bound is written CONNECTION/USER, this is \"zhangsan\""),
        ("accounts --config a bind é corp/a", "menwei accounts: an account is 1 to 128 bytes of visible ASCII and Chinese characters, this is \"é\""),
        ("accounts --config a code", "menwei accounts: code needs an account"),
        ("run", "menwei run: --config is missing"),
        ("run --config", "menwei run: --config needs a value"),
        ("run --config=", "menwei run: --config needs a value that is not empty"),
        ("run --config a --config b", "menwei run: --config is given twice"),
        ("run --confg a", "menwei run: unknown option \"--confg\"; did you mean \"--config\"?"),
        ("check --config a b", "menwei check: unexpected argument \"b\""),
        ("demo --port 0", "menwei demo: --port must be a number from 1 to 65535, this is \"0\""),
        ("demo --port 99999", "menwei demo: --port must be a number from 1 to 65535, this is \"99999\""),
        ("simulator --listen 80", "menwei simulator: --listen: expected an address such as 0.0.0.0:8443 or [::]:443, this is \"80\": for every address write 0.0.0.0:80"),
        ("version now", "menwei version: unexpected argument \"now\""),
        ("explain --config a GET", "menwei explain: METHOD and URL are missing"),
        ("explain --config a GET u v", "menwei explain: unexpected argument \"v\""),
        ("explain --config a --connection c GET u", "menwei explain: --connection needs --user"),
        ("explain --config a --tag x GET u", "menwei explain: --tag must be a number, this is \"x\""),
        ("explain --config a --ip x GET u", "menwei explain: --ip must be an IP address, this is \"x\""),
        ("explain --config a --at x GET u", "menwei explain: --at must be a time such as 2026-01-31T08:00:00Z, this is \"x\""),
        ("explain --config a --age 5 GET u", "menwei explain: --age must be a duration such as 90s, 15m or 12h, this is \"5\""),
        ("explain --config a G@T u", "menwei explain: \"G@T\" is no request method"),
    ])
    func wrongUsageIsExplained(line: String, message: String) {
        #expect(fault(line) == message)
    }

    @Test func helpIsThereForAllAndForEach() throws {
        for line in ["--help", "-h", "help"] { #expect(try parse(line) == .help(Usage.overview)) }
        for name in Usage.names {
            let text = try #require(Usage.commands[name])
            #expect(text.hasPrefix("Usage: menwei \(name)"))
            #expect(Usage.overview.contains("\n  \(name) "))
            #expect(try parse("\(name) --help") == .help(text))
            #expect(try parse("help \(name)") == .help(text))
        }
    }
}
