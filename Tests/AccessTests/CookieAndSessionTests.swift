import Access
import Bytes
import Crypto
import Testing

@Suite struct CookieTests {
    @Test("cookies are set with all their attributes")
    func text() {
        #expect(SetCookie.text(CookieNames.session, "abc", maxAge: .seconds(90)) == "__Host-menwei=abc; Max-Age=90; Path=/; Secure; HttpOnly; SameSite=Lax")
        #expect(SetCookie.removal(of: CookieNames.attempt) == "__Host-menwei-try=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax")
        #expect(SetCookie.text("a", "b", maxAge: .seconds(-5)).contains("Max-Age=0;"))
    }

    @Test("values are 43 characters of base64url and nothing else")
    func values() throws {
        let good = try Random.token()
        #expect(CookieValue.digest(good) == Digest.sha256(good))
        #expect(CookieValue.digest(Array(good.utf8)[...], Hasher256()) == Digest.sha256(good))
        let short = String(good.dropLast())
        let bad: [String] = ["", short, good + "A", short + "=", short + "+", short + "/", short + "\u{0}", short.dropLast() + "é", short + " ",
                             String(repeating: "x", count: 100_000)]
        for bad in bad {
            #expect(CookieValue.digest(bad) == nil)
            #expect(CookieValue.digest(Array(bad.utf8)[...], Hasher256()) == nil)
        }
    }

    @Test("our names are known", arguments: [("__Host-menwei", true), ("__Host-menwei-auth", true), ("__Host-menwei-try", true), ("__HOST-Menwei", true), ("__Host-menwei-", false), ("menwei", false), ("", false)])
    func names(name: String, expected: Bool) { #expect(CookieNames.isOwn(Array(name.utf8)[...]) == expected) }
}

@Suite struct SessionTimeTests {
    @Test("a session is over when idle for too long, and at its end whatever happens", arguments: [
        (1000, 1000, true), (1000, 1059, true), (1000, 1060, false), (605_790, 605_799, true), (605_790, 605_800, false), (605_799, 700_000, false), (2000, 1000, true),
    ] as [(Int64, Int64, Bool)])
    func live(lastSeen: Int64, now: Int64, expected: Bool) {
        #expect(session(lastSeen: lastSeen).isLive(at: WallTime(seconds: now), idle: .seconds(60)) == expected)
    }

    @Test("the limits are the documented ones where nothing is configured") func defaults() {
        #expect(SessionLimits().idle == .seconds(43_200) && SessionLimits().lifetime == .seconds(604_800))
    }

    @Test("the same person, whatever the case") func samePerson() {
        var other = member("ZHANGSAN")
        #expect(member().isSamePerson(as: other))
        other.connection = "east"
        #expect(!member().isSamePerson(as: other))
        #expect(!member().isSamePerson(as: member("lisi")))
    }
}
