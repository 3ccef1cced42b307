import HTTP
import Testing

@Suite struct CookieTests {
    private func fields(_ values: String...) -> Fields {
        var fields = Fields()
        for value in values { fields.append("cookie", value) }
        return fields
    }

    private func one(_ values: String...) -> String? {
        var fields = Fields()
        for value in values { fields.append("Cookie", value) }
        return Cookies.one("__Host-menwei", in: fields).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func theOnlyCookieOfANameIsFound() {
        #expect(one("__Host-menwei=abc") == "abc")
        #expect(one("a=b; __Host-menwei=a=b-_; c=d") == "a=b-_")
        #expect(one("a=b", "c=d;__Host-menwei=x ", "e") == "x")
        #expect(one("__Host-menwei=") == "")
        #expect(one("__Host-menwei-auth=1; __Host-menwei-try=2; __host-menwei=3; x__Host-menwei=4") == nil)
    }

    @Test("T-109: two of a name, or a malformed one, count as none", arguments: [
        "__Host-menwei=a; __Host-menwei=b", "__Host-menwei=a; __Host-menwei=a", "__Host-menwei", "__Host-menwei =a", "__Host-menwei=a b", "__Host-menwei=\"a\"",
        "__Host-menwei=a,b", "__Host-menwei= a", "__Host-menwei=a\\", "__Host-menwei=a; __Host-menwei", "__Host-menwei; __Host-menwei=a", "__Host-menwei=é", "", ";;", "=__Host-menwei=a",
    ]) func twoOrMalformedCountAsNone(_ value: String) {
        #expect(one(value) == nil)
    }

    @Test func twoOverTwoFieldsCountAsNone() {
        #expect(one("__Host-menwei=a", "__Host-menwei=b") == nil)
        #expect(Cookies.values(named: "a", in: fields("a=1; b=2", "a=3; a")).map { String(decoding: $0, as: UTF8.self) } == ["1", "3", ""])
    }

    @Test("T-22: our cookies are taken out, the others stay byte for byte", arguments: [
        ("a=1; __Host-menwei=x; b=2", "a=1; b=2"), ("__Host-menwei=x; b=2", "b=2"), ("a=1; __Host-menwei=x", "a=1"), ("a=1;b;; c = \"d\" ;é=ü", "a=1;b;; c = \"d\" ;é=ü"),
        ("__Host-menwei=x;  b=2;c=3 ", "b=2;c=3 "), ("a=1; __Host-menwei=x; __Host-menwei-try=y;b=2", "a=1;b=2"), ("a=1; __Host-menwei ; b", "a=1; b"),
        (" __Host-menwei =x;a", "a"), ("__Host-menwei2=x", "__Host-menwei2=x"), ("", ""),
    ]) func ourCookiesAreTakenOut(_ value: String, _ rest: String) {
        let bytes = Array(value.utf8)
        var stripped = Array("before".utf8)
        let remains = Cookies.strip(bytes.span, names: ["__Host-menwei", "__Host-menwei-auth", "__Host-menwei-try"], into: &stripped)
        #expect(remains)
        #expect(String(decoding: stripped, as: UTF8.self) == "before" + rest)
        #expect(Checks.cookies(bytes) == nil)
    }

    @Test(arguments: ["__Host-menwei=x", " __Host-menwei", "__Host-menwei=x; __Host-menwei-try=y"]) func whereOnlyOursWereNothingIsLeft(_ value: String) {
        var stripped: [UInt8] = []
        let remains = Cookies.strip(Array(value.utf8).span, names: ["__Host-menwei", "__Host-menwei-try"], into: &stripped)
        #expect(!remains)
        #expect(stripped.isEmpty)
    }
}

@Suite struct QueryTests {
    @Test func pairsAreDecodedInOrder() {
        let query = Query("a=1&b=x+y%2B%26&a=2&&c&=d&%61=%E5%BC%A0&e=f=g")
        #expect(query.all("a") == ["1", "2", "张"])
        #expect(query.one("b") == "x y+&")
        #expect(query.one("c") == "" && query.one("") == "d" && query.one("e") == "f=g")
        #expect(query.one("a") == nil && query.one("none") == nil)
        #expect(!query.isMalformed && query.pairs.count == 7)
    }

    @Test(arguments: ["a=%", "a=%zz", "%ff=1", "a=%E5%BC"]) func aBrokenPairIsLeftOutAndTold(_ raw: String) {
        let query = Query(raw + "&b=1")
        #expect(query.isMalformed && query.one("a") == nil && query.one("b") == "1")
    }
}
