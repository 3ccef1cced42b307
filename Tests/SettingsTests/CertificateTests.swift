import Bytes
import Foundation
import Testing

@testable import Settings

@Suite struct CertificateTests {
    private func workspace(_ chain: String, _ key: String) throws -> Workspace {
        let workspace = try Workspace()
        try workspace.write("tls/fullchain.pem", chain)
        try workspace.write("tls/key.pem", key)
        return workspace
    }

    private let year2030 = LoadHooks.inspecting(now: WallTime(seconds: 1_893_456_000))

    @Test func aCertificateThatFitsIsTaken() throws {
        #expect(try workspace(Self.chain, Self.key).warnings(Sample.with(), hooks: year2030) == [])
    }

    @Test func aKeyThatDoesNotFitIsAFault() throws {
        #expect(try workspace(Self.chain, Self.otherKey).faults(Sample.with(), hooks: year2030).map { $0.hasPrefix("2:24: \"DIR/tls/fullchain.pem\" cannot be used: ") } == [true])
    }

    @Test func aKeyThatIsNoneIsAFault() throws {
        let bad = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        #expect(try workspace(Self.chain, bad).faults(Sample.with(), hooks: year2030).map { $0.hasPrefix("2:24: \"DIR/tls/key.pem\" cannot be used: ") } == [true])
    }

    @Test func namesThatNoCertificateHasAreWarnedOf() throws {
        let text = Sample.replacing("https://wiki.corp.example", "https://wiki.other.example")
        #expect(try workspace(Self.chain, Self.key).warnings(text, hooks: year2030) == ["8:13: no certificate is for wiki.other.example"])
    }

    @Test func anEndThatIsNearOrPastIsWarnedOf() throws {
        let end = try #require(RFC3339.parse("2126-10-27T12:09:53Z"))
        func warnings(_ now: WallTime) throws -> [String] { try workspace(Self.chain, Self.key).warnings(Sample.with(), hooks: .inspecting(now: now)) }
        #expect(try warnings(end.advanced(by: .seconds(-15 * 86400))) == [])
        #expect(try warnings(end.advanced(by: .seconds(-13 * 86400))) == ["2:24: the certificate \"DIR/tls/fullchain.pem\" ends on 2126-10-27"])
        #expect(try warnings(end.advanced(by: .seconds(1))) == ["2:24: the certificate \"DIR/tls/fullchain.pem\" ended on 2126-10-27"])
    }

    // Made for this test alone; good for corp.example and *.corp.example, and to nobody.
    private static let chain = """
        -----BEGIN CERTIFICATE-----
        MIIBrTCCAVSgAwIBAgIUG2jj/CXHpP1j0jXtGRaL8NphwBkwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMY29ycC5leGFtcGxlMCAXDTI2MTEyMDEyMDk1M1oYDzIxMjYx
        MDI3MTIwOTUzWjAXMRUwEwYDVQQDDAxjb3JwLmV4YW1wbGUwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAAQry5S0bknkJRhuCxYpYOrtriOE1oIlA7qlp1Ou/62YtSFx
        bpToAyW4xGcZfp43S37z1PFksUhhaQBwQ4rxJ9r2o3wwejAdBgNVHQ4EFgQUN32P
        NON7BZQClSP4uUBrykjV92kwHwYDVR0jBBgwFoAUN32PNON7BZQClSP4uUBrykjV
        92kwDwYDVR0TAQH/BAUwAwEB/zAnBgNVHREEIDAeggxjb3JwLmV4YW1wbGWCDiou
        Y29ycC5leGFtcGxlMAoGCCqGSM49BAMCA0cAMEQCIH/BwNI5Qnf7SiCMIalY7mx4
        KZ9/mH1jgFgBZTUqKxGBAiANHcwtJuSAG6DsrhYtb+O7pKcQy0I435Tw9/5i/6Iq
        sw==
        -----END CERTIFICATE-----

        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZGtkozki6ks7C+pd
        longNKqnZRHBzcE59Ao5sGPoqy2hRANCAAQry5S0bknkJRhuCxYpYOrtriOE1oIl
        A7qlp1Ou/62YtSFxbpToAyW4xGcZfp43S37z1PFksUhhaQBwQ4rxJ9r2
        -----END PRIVATE KEY-----

        """
    private static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQ3noV+NSFge7E56o
        IzxjRX/1jJfEYejyTVpZEYUxRJuhRANCAATLs3UFngkZBz/OkEBwo8RmSAgiIwWB
        XxzzK+27tknuXzhdt5abZDxtWbvqH/6dMsSLoyNEVkduFd+6sARgtNxV
        -----END PRIVATE KEY-----

        """
}
