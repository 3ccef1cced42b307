internal import Bytes
internal import Crypto

/// What an application makes of `X-Menwei-Assertion`: the compact JWT (RFC 7515, RFC 7519) taken apart, and whether it may be believed. Written
/// the way an application would write it, from the JWK set alone.
struct AssertionReport: Equatable {
    enum Verdict: Equatable {
        /// No such header: nobody is logged in, or the request did not come through the gateway.
        case absent
        case verified
        case malformed
        /// Only ES256, EdDSA and RS256 are taken, each with a key that is for it.
        case algorithm
        case noKeys
        case unknownKey
        case signature
        case issuer
        case audience
        case expired
        case notYetValid
    }

    var header: JSON?
    var claims: JSON?
    var verdict: Verdict

    /// `now` in seconds since 1970; clocks may differ by 30 seconds.
    init(token: String?, keys: [UInt8]?, issuer: String, audience: String, now: Int64) {
        guard let token, !token.isEmpty else {
            verdict = .absent
            return
        }
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard token.utf8.count <= 16 << 10, parts.count == 3, let header = Self.json(parts[0]), let claims = Self.json(parts[1]),
              let signature = Base64URL.decode(Array(parts[2])[...]) else {
            verdict = .malformed
            return
        }
        (self.header, self.claims) = (header, claims)
        guard let algorithm = header["alg"]?.text.flatMap(SigningAlgorithm.init(rawValue:)) else {
            verdict = .algorithm
            return
        }
        guard let keys, let set = JSON(parsing: keys)?["keys"]?.items else {
            verdict = .noKeys
            return
        }
        guard let kid = header["kid"]?.text, let key = set.first(where: { $0["kid"]?.text == kid }).flatMap(Self.key) else {
            verdict = .unknownKey
            return
        }
        guard key.algorithm == algorithm else {
            verdict = .algorithm
            return
        }
        let signed = Array(token.utf8.prefix(parts[0].count + 1 + parts[1].count))
        guard key.verify(signature, of: signed) else {
            verdict = .signature
            return
        }
        verdict = Self.judge(claims, issuer: issuer, audience: audience, now: now)
    }

    private static func judge(_ claims: JSON, issuer: String, audience: String, now: Int64) -> Verdict {
        let leeway: Int64 = 30
        guard claims["iss"]?.text == issuer else { return .issuer }
        guard claims["aud"]?.text == audience || claims["aud"]?.items?.contains(.string(audience)) == true else { return .audience }
        guard let end = claims["exp"]?.number, now < Int64(end).addingReportingOverflow(leeway).partialValue else { return .expired }
        if let start = claims["nbf"]?.number, Int64(start) > now + leeway { return .notYetValid }
        return .verified
    }

    private static func json(_ part: Substring.UTF8View) -> JSON? {
        guard let json = Base64URL.decode(Array(part)[...]).flatMap({ JSON(parsing: $0) }), case .object = json else { return nil }
        return json
    }

    private static func key(_ jwk: JSON) -> PublicKey? { PublicKey { jwk[$0]?.text } }
}

extension Base64URL {
    fileprivate static func decode(_ bytes: ArraySlice<UInt8>) -> [UInt8]? { decode(String(decoding: bytes, as: UTF8.self)) }
}
