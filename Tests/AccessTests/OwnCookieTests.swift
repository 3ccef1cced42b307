import Testing

@testable import Access

@Suite struct OwnCookieTests {
    @Test("T-23: an application cannot set our cookies", arguments: [
        ("__Host-menwei=x; Path=/; Secure", true), ("__Host-menwei-auth=x", true), ("__HOST-Menwei=x", true), ("\t __Host-menwei =x", true), ("=__Host-menwei=x", true),
        ("= __Host-menwei", true), ("__Host-menwei", true), ("a=__Host-menwei", false), ("__Host-other=x", false), ("__Host-menwe", false), ("", false),
    ]) func anApplicationCannotSetOurCookies(_ value: String, _ ours: Bool) {
        let sets = ResponseHygiene.setsOwnCookie(Array(value.utf8)[...])
        #expect(sets == ours)
    }
}
