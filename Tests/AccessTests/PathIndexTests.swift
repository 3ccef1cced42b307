import Testing

@testable import Access

@Suite struct PathIndexTests {
    private func first(_ patterns: [(String, below: Bool)], _ path: String, where accepts: (Int) -> Bool = { _ in true }) -> Int? {
        let index = PathIndex(patterns.map { PathIndex.Pattern(path: Array($0.0.utf8), below: $0.below) })
        return index.first(Array(path.utf8).span, where: accepts)
    }

    @Test func aPatternHasItsOwnPathAndWhatLiesBelowAtASegmentBorder() {
        let admin = [("/admin", below: true)]
        #expect(first(admin, "/admin") == 0)
        #expect(first(admin, "/admin/") == 0)
        #expect(first(admin, "/admin/a/b") == 0)
        #expect(first(admin, "/administrator") == nil)
        #expect(first(admin, "/a/admin") == nil)
        #expect(first([("/admin", below: false)], "/admin") == 0)
        #expect(first([("/admin", below: false)], "/admin/") == nil)
        #expect(first([("/admin/", below: false)], "/admin/") == 0)
    }

    @Test func theRootHasEveryPath() {
        for path in ["/", "/a", "/a/b/"] { #expect(first([("", below: true)], path) == 0) }
        #expect(first([("/", below: false)], "/") == 0)
        #expect(first([("/", below: false)], "/a") == nil)
    }

    @Test func theLowestNumberWinsWhateverIsLonger() {
        let patterns = [("/b", below: true), ("/a/b", below: true), ("/a", below: true), ("/a/b", below: false), ("", below: true)]
        #expect(first(patterns, "/a/b") == 1)
        #expect(first(patterns, "/a/c") == 2)
        #expect(first(patterns, "/c") == 4)
        #expect(first(patterns, "/a/b", where: { $0 > 1 }) == 2)
        #expect(first(patterns, "/a/b", where: { $0 == 3 }) == 3)
        #expect(first(patterns, "/a/b", where: { _ in false }) == nil)
    }

    @Test func itSaysWhatLookingAtOneAfterTheOtherSays() {
        var random = SplitMix(state: 0x6d65_6e77_6569)
        func path(_ most: Int) -> String {
            var text = ""
            for _ in 0..<Int.random(in: 0...most, using: &random) { text += "/" + ["a", "b", "ab", ""].randomElement(using: &random)! }
            return text
        }
        for _ in 0..<300 {
            let patterns = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                PathIndex.Pattern(path: Array(path(3).utf8), below: Bool.random(using: &random))
            }
            let index = PathIndex(patterns)
            for _ in 0..<20 {
                let asked = Array(("/" + path(4).dropFirst()).utf8), odd = Bool.random(using: &random)
                func accepts(_ number: Int) -> Bool { odd || number % 3 != 0 }
                let expected = patterns.indices.first { number in
                    let pattern = patterns[number], has = asked.starts(with: pattern.path)
                    let isUnder = has && (asked.count == pattern.path.count || asked[pattern.path.count] == 0x2F)
                    return accepts(number) && (pattern.below ? isUnder : asked == pattern.path)
                }
                #expect(index.first(asked.span, where: accepts) == expected, "\(patterns) \(String(decoding: asked, as: UTF8.self))")
            }
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
