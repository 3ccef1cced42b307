import Access
import Bytes
import HTTP
import Testing

@testable import Portal

@Suite struct ScanTests {
    private let start = WallTime(seconds: 1_800_000_000)
    private let wiki = Origin(host: "wiki.corp.example")
    private let member = Member(connection: "corp", corp: "ww1", user: "ZhangSan", account: "ZhangSan")

    private func address(_ text: String) -> ReturnAddress { ReturnAddress(text, givenTo: Gate.auth, configured: [wiki, Gate.auth], allowsPath: false) }

    private func scan() -> Scan {
        Scan(
            browser: String(repeating: "ab", count: 32),
            journey: Journey(returnTo: address("https://wiki.corp.example/a?b=1"), bind: String(repeating: "01", count: 32), fragment: "/x?y", attempt: 1),
            address: "10.1.2.3", agent: Browser.chrome, asked: start, numbers: .init(right: 47, offered: [12, 47, 80]))
    }

    private func session(amr: [String] = ["wecom"], age: Duration = .seconds(5)) -> SessionRecord {
        SessionRecord(
            sid: "s1", member: member, authTime: start.advanced(by: .zero - age), amr: amr, created: start, lastSeen: start,
            expires: start.advanced(by: .seconds(86400)), checked: start, address: "", userAgent: "")
    }

    @Test func itWaitsTwoMinutesAndThenIsExpired() {
        #expect(scan().stage(nil, now: start) == .waiting)
        #expect(scan().stage(nil, now: start.advanced(by: .milliseconds(119_999))) == .waiting)
        #expect(scan().stage(nil, now: start.advanced(by: .seconds(120))) == .expired)
    }

    @Test func anApprovalIsGoodForAMinuteAndARefusalForEver() {
        let at = start.advanced(by: .seconds(110))
        let approved = Scan.Answer.approved(sid: "s1", account: "zhangsan", at: at)
        #expect(scan().stage(approved, now: start.advanced(by: .seconds(169))) == .approved(sid: "s1", account: "zhangsan"))
        #expect(scan().stage(approved, now: start.advanced(by: .seconds(170))) == .expired)
        #expect(scan().stage(.refused, now: start) == .refused)
        #expect(scan().stage(.refused, now: start.advanced(by: .seconds(299))) == .refused)
    }

    @Test func onlyTheRightNumberApproves() {
        #expect(scan().answer("47", by: session(), now: start) == .approved(sid: "s1", account: "zhangsan", at: start))
        for wrong in ["12", "80", "none", "", "047", "47 ", "+47", nil] {
            #expect(scan().answer(wrong, by: session(), now: start) == .refused, "\(wrong ?? "nothing")")
        }
    }

    @Test func onlyAFreshLoginAtWeComItselfMayApprove() {
        #expect(Scan.mayApprove(session(), within: .seconds(600), now: start))
        #expect(Scan.mayApprove(session(age: .seconds(600)), within: .seconds(600), now: start))
        #expect(!Scan.mayApprove(session(age: .seconds(601)), within: .seconds(600), now: start))
        #expect(!Scan.mayApprove(session(amr: ["wecom", "scan"]), within: .seconds(600), now: start))
        #expect(!Scan.mayApprove(session(amr: ["wechat"]), within: .seconds(600), now: start))
    }

    @Test func whatTheStoreKeepsComesBackAsItWas() {
        #expect(Scan(scan().encoded, address: address) == scan())
        #expect(Scan([], address: address) == nil)
        #expect(Scan(scan().encoded.dropLast(), address: address) == nil)
        let approved = Scan.Answer.approved(sid: "s1", account: "zhangsan", at: start)
        #expect(Scan.Answer(approved.encoded) == approved)
        #expect(Scan.Answer(Scan.Answer.refused.encoded) == .refused)
        #expect(Scan.Answer([1, 2, 3]) == .refused)
        #expect(Scan.Answer(Array(approved.encoded.dropLast())) == .refused)
    }

    @Test func aReturnAddressThatIsConfiguredNoMoreIsNotGoneTo() {
        let changed = Scan(scan().encoded) { ReturnAddress($0, givenTo: Gate.auth, configured: [Gate.auth], allowsPath: false) }
        #expect(changed?.journey.returnTo.url == "https://auth.corp.example/")
    }

    @Test func theNumbersAreThreeOfTwoDigitsAndTheRightOneIsAmongThem() throws {
        var random = SystemRandomNumberGenerator()
        var places: Set<Int> = []
        for _ in 0..<2000 {
            let numbers = try #require(Scan.Numbers(random: (0..<48).map { _ in UInt8.random(in: 0...255, using: &random) }))
            #expect(Set(numbers.offered.map { $0 / 10 }).count == 3 && Set(numbers.offered.map { $0 % 10 }).count == 3)
            #expect(numbers.offered == numbers.offered.sorted())
            #expect(numbers.offered.allSatisfy { (10...99).contains($0) })
            places.insert(try #require(numbers.offered.firstIndex(of: numbers.right)))
        }
        #expect(places == [0, 1, 2])
        #expect(Scan.Numbers(random: [UInt8](repeating: 7, count: 48)) == nil)
        #expect(Scan.Numbers(random: [200, 0, 0, 1, 10, 11, 12, 22]) == .init(right: 10, offered: [10, 21, 32]))
    }

    @Test func aCodeIs22CharactersAndItsKeysDiffer() throws {
        let code = ScanCode(random: Array(0..<16))
        #expect(code.text.utf8.count == 22 && ScanCode(code.text[...]) == code)
        #expect(code.key != code.answerKey)
        for wrong in ["", "short", code.text + "A", String(code.text.dropLast()) + "!", String(code.text.dropLast()) + "B", String(repeating: "%", count: 22)] {
            #expect(ScanCode(wrong[...]) == nil, "\(wrong)")
        }
    }

    @Test func ownPagesAreAClosedList() {
        let code = ScanCode(random: Array(0..<16))
        #expect(OwnPage("sessions") == .sessions && OwnPage("scan/" + code.text) == .scan(code))
        for wrong in [nil, "", "scan", "scan/", "scan/x", "scan/\(code.text)/wait", "logout", "/sessions", "sessions/", "//evil.example"] { #expect(OwnPage(wrong) == nil) }
        let journey = Journey(returnTo: address("https://auth.corp.example/"), own: .scan(code))
        #expect(Journey(Query(journey.query), returnTo: journey.returnTo) == journey)
    }

    @Test func theQRCodeHasItsFinderPatternsAndHoldsTheWholeAddress() throws {
        let code = try #require(QRCode("https://auth.corp.example/.menwei/scan/AAECAwQFBgcICQoLDA0ODw"))
        #expect(code.width == 33)
        // ISO/IEC 18004: a ring of 7, one of 5 light, a block of 3, in three corners.
        for (x0, y0) in [(0, 0), (code.width - 7, 0), (0, code.width - 7)] {
            for y in 0..<7 {
                for x in 0..<7 {
                    let ring = max(abs(x - 3), abs(y - 3))
                    #expect(code.isDark(x: x0 + x, y: y0 + y) == (ring != 2))
                }
            }
        }
        #expect(code.path.hasPrefix("M4 4h7v1h-7z"))
        #expect(QRCode("") == nil && QRCode(String(repeating: "x", count: 3000)) == nil)
    }
}

@Suite struct BrowserNameTests {
    @Test(arguments: [
        (Browser.chrome, "Chrome 129 on Linux", "Linux 上的 Chrome 129"),
        (Browser.weCom, "WeCom 5 on Windows", "Windows 上的企业微信 5"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "Edge 126 on Windows", "Windows 上的 Edge 126"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "Safari 17 on macOS", "macOS 上的 Safari 17"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128 on Linux", "Linux 上的 Firefox 128"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49", "WeChat 8 on iPhone", "iPhone 上的微信 8"),
        ("curl/8.5.0", "curl 8", "curl 8"),
        ("Something (Android 14)", "A browser on Android", "Android 上的浏览器"),
        ("", "Unknown browser", "未知的浏览器"),
        ("Chrome/99999999999<script>", "Chrome 9999", "Chrome 9999"),
    ])
    func browsersHaveTheNamesThatPeopleKnow(_ agent: String, _ en: String, _ zh: String) {
        #expect(BrowserName(agent).phrase == Phrase(zh, en))
    }
}
