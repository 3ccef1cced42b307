import HTTP
import Testing

@Suite struct DotSegmentTests {
    @Test(arguments: ["/a/..%23", "/a/..%23/b", "/a/..%3f/b", "/a/.%3F", "/%2e%2e%23", "/a%2f..%23/b"])
    func aDotSegmentBeforeAnEscapedEndOfThePathIsRefused(_ target: String) {
        #expect(throws: ProtocolFault.self) { try CanonicalTarget(Array(target.utf8).span) }
    }

    @Test(arguments: ["/a/..b%23", "/a/.well-known%3f", "/a/...%23", "/a/b..%23"])
    func otherNamesWithDotsPass(_ target: String) throws {
        #expect(try CanonicalTarget(Array(target.utf8).span).forwarded == Array(target.utf8))
    }
}
