import Bytes
@testable import Crypto
import Testing

/// RFC 8037 appendix A.1.
let ed25519PEM = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
    -----END PRIVATE KEY-----

    """
/// Made by another implementation (Python's cryptography), as are the thumbprint and the signature below.
let rsaPEM = """
    -----BEGIN PRIVATE KEY-----
    MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCMBfn4EbxjHP2g
    rrNRJDzKTcr/VfRQYlUgdzu1cNSYvepxVEbGSEd7dV4DUp1rQtHXVD8kjASH2uZc
    i/4+mG8LHos2RidpqzparU2nUnMne6yM9j7M0fPNXNc/z3cSYIk+x5UtaALf3go7
    ywAXCQWkYLXYo5iY8QOIFoO87rvXSZmCJJyIaZt0Aa/S4DN3dIeCbyAoBDRPLhzT
    miLINzoVHFBfdvVJz0JdiXUAMRSL4RoUXJ4A3/6e0kk7BiBZGw3UF+I/co3NU6Z4
    ngv3arasYD8iQ8Ya87y9coNITdnvj7eNLZwsjSihZJNPv3WTcuWhaVx2cs8Cs3Ny
    TijKOXolAgMBAAECggEAQxIZylm0g0U/t9f2zMcu1zisI+JoRJjVbdevIhoJu6A8
    zEwyGohEtT5i6fSIsvguy5XvKPJouSqBbZMhFZqulgTrafPwrQz3xrd8mslDn4X+
    AQdyzWlD/vqZoFcgEg1rsEapjjZkKheRj1KNmHsZ2ML6V+sFDT1lE6q1L6qrD1Pc
    XRbguV0FW4W6d/9ZBEEkC9D4KfQFT0buvh/5NAbzTIs61y2lvjlu+gwV4kCBcoe7
    I6xMpUeQfMpNhwnLoaugFjVsAGsSEJ4Ii7sPuOjdiUBjKkGK537/Dbe+0deGPo0v
    zNByyrd9KmAUtqYqPT5H8YMMhl5Tc33z1l1vJ3szgQKBgQDDNuh9LVh1Q6zxeNi1
    wJSPlEgoJM6GO8ZsTgxgalSkQdn8r3liPIDslydVSz27vIAO9vb8vfRL3WQK+VV4
    ksZTnb1TjTbGgvG5oBNHvTqx7qtSK/thEq/w1DRtgj06AWeas4hObdUXFChjRWKD
    Szuh+yAo4aebozjVK1f5ygz2pwKBgQC3n6DexEBknl1v0mGk1CZcCFZuRJxfgB/x
    MrXBroUaO6eEulwQ/3tfiFDFTGJ8JSjTcA9hcbp16rRbV65qWyYAZSab07V+x4Lc
    ljqwfhjfA+vi9XYmlu2gfQUYC0wwD2agKTxm1h8VMJ4N7jiqfaSQPhLwLV2mDJ0B
    Ro9SMKCuUwKBgQCW3J0o990vqmBBsImRVEW6+/YTh/ZOyG0cj+iCrknBMt7ap2Ug
    JO/hZyLPiLkpl5BDgFn5knb0FiDVVkDWUF+SiQmiQzR8jv9t26Zqv3NXxMGDXFgF
    eeKcM/JcWtUkOaeuZ2ZEbh7KmhpoNVvfaUmpcaA118WmwqoOG1P+x0XjawKBgBzJ
    7yvd8waTeazFfD+eb2EwgXSKV0X1zYxAWhTCquWhArOhkDuuAobI1XkJb8ts/Aii
    YhbyALzqDlrf1V2hasTXFwWJXMRCvXaeKxduvbGBaONNfrewJBNsZncNlmVWlM15
    iZnJ6lelJrKibcn1Ju7ifI+hXTRid98yU9gb/aU3AoGBAIy5/D2uaeiAxKVnx8L6
    sEvo2udu1bTHsDtAHJ/DUlwCRrYqext7tCR+0RSaETkYsrUdGHO+0PxDUHIAwzuX
    Qzy9wgl28pSrQF/Nl+K4awwQx/Sa39MIjI2AaIBDt1nL546aRZdCNEh0kU2QpNzv
    jAc3DdaOLZz6ghdhD+FBiuJW
    -----END PRIVATE KEY-----

    """
private let shortRSAPEM = """
    -----BEGIN PRIVATE KEY-----
    MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMT1fJHwWaYq0aR0
    OyllJldM2ysV7vP5RnSzdQvTvkWKD2RnACj/de3ro6MiFviLS4EUM2DWANcJbiKo
    RtcbELN/5lb0thZk2gBbUy99j6tTuMQlzxP3AK17SxoGp8TBDi7tLbC9ooUOTGLi
    JDUzdGlRtpu5p3SGsu13ruytskL5AgMBAAECgYEApX/V7dd1rUAbqsGUGOOKxR6q
    p1il0lIrFtLYzlhdcJdi+a3nH4wRbxtrBCAYBz8c8dikl4EbcZXV+r9Fz2hJreGz
    nGj+rQLvjtVDeIQhBnum95Ddlxp3Otbe3guGF93PIbiy+PrR20QuvH4vxeKQReIi
    E3jCEzAaPLQbZuLioqUCQQDhCzBQ/8BAb1439mTKQDwxRdr15ZqsStHEZhQFyMdi
    BARSDU/vF6WSV7iA8fOoQ+pHC4WFykjKbAoVQ/EHhyNHAkEA4A1OLbtuc8IU1P9o
    0tlrReJIo9TjsiusgGrvR1cbJF5Jfig41o/wjwnnAjB3SAFoSMoMixgyIGmxrJU+
    ltgHvwJAD0w6aZcpE3g+mGFIcrMxJExSWRrVi9a+MbKas9X1L8WEIavD/kXGPI93
    /FP2Mz8Cove2iOS6VABKIy3uKYvXKwJADaMhsAzpgyg8Bl7pbXQIYH+OdlJd7ZlU
    7ZgUql316/fFN2WRWBX4yWwL4Ik8qWhUhaGus8SsQGbOhreq0JmjlwJABBt5kQw/
    xDpa76PjNMIljJd+teBHopQlW2UJ4zD0zerXn/HVi/G5Q20ie3WUOXLnAKd9N/le
    ggPyijIimXbbrw==
    -----END PRIVATE KEY-----

    """

@Suite struct SigningAlgorithmTests {
    @Test("an Ed25519 key is RFC 8037's: thumbprint, JWK, signature")
    func ed25519() throws {
        let key = try SigningKey(pem: ed25519PEM)
        #expect(key.algorithm == .edDSA && key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        #expect(key.publicKey.jwk == """
            {"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","alg":"EdDSA","kid":"\(key.kid)"}
            """)
        let signature = try Signer(key).sign(Array("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".utf8))
        #expect(Base64URL.encode(signature) == "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
    }

    @Test("an RSA key made elsewhere: thumbprint, JWK, signature")
    func rsa() throws {
        let key = try SigningKey(pem: rsaPEM)
        #expect(key.algorithm == .rs256 && key.kid == "8u_BQji_gBxzN6Iu9W_ijlq53Gk1kCZMEkMSP3jjYnI")
        let n = "jAX5-BG8Yxz9oK6zUSQ8yk3K_1X0UGJVIHc7tXDUmL3qcVRGxkhHe3VeA1Kda0LR11Q_JIwEh9rmXIv-PphvCx6LNkYnaas6Wq1Np1JzJ3usjPY-zNHzzVzXP893EmCJPseVLWgC394KO8sAFwkFpGC12KOYmPEDiBaDvO6710mZgiSciGmbdAGv0uAzd3SHgm8gKAQ0Ty4c05oiyDc6FRxQX3b1Sc9CXYl1ADEUi-EaFFyeAN_-ntJJOwYgWRsN1BfiP3KNzVOmeJ4L92q2rGA_IkPGGvO8vXKDSE3Z74-3jS2cLI0ooWSTT791k3LloWlcdnLPArNzck4oyjl6JQ"
        #expect(key.publicKey.jwk == "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"\(n)\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"\(key.kid)\"}")
        let signer = try Signer(key)
        let text = "LPOMOSp5_9bcx2uCrjm7BbeMbQIiSni6Q6j_virBusK7UwkSWPrRR6sckMqkpDxltlKuFxCnLmhFiTgSkpWHK-vq8lm6epTNhpU8tIO03kUTSGYCAc_eAvX4ThD6feRP32V9_LzoAiY1rz7WDVVtLwMKjsPiLshzquh_vhxwvUDSoEqvRCMp5tHgXNNbNf9IG1A5TT07-FykDpa4J3BllLheqjr9olN821nTs9aNbQgtfWQl5lScQdQphJf1XEdkU7GoSIenRlLTMRR5Bc0iYLhMqpPoOG45Wbe2JLsq-hIH4nUH2A9Lo9n9PnYsavpTQAbYBNcmMPFUBx1qZuL0rw"
        // PKCS #1 v1.5 has no randomness: the same message has one signature.
        let signature = try signer.sign(Array("menwei".utf8))
        #expect(signer.length == 256 && Base64URL.encode(signature) == text)
    }

    @Test("the thumbprint is RFC 7638's")
    func thumbprint() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        let members = ["kty": "RSA", "n": n, "e": "AQAB"]
        #expect(PublicKey { members[$0] }?.kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    }

    @Test("what any of them signs verifies with its own public key as read from its JWK, and nothing else does", arguments: SigningAlgorithm.allCases)
    func everyAlgorithm(algorithm: SigningAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let again = try SigningKey(pem: key.pem)
        #expect(key.algorithm == algorithm && again.kid == key.kid)
        let signer = try Signer(key)
        for i in 0..<50 {
            let message = Array("message \(i)".utf8)
            var signature = try signer.sign(message)
            #expect(signature.count == signer.length)
            #expect(key.publicKey.verify(signature, of: message))
            #expect(!key.publicKey.verify(signature, of: message + [0]))
            #expect(!key.publicKey.verify(signature + [0], of: message) && !key.publicKey.verify([], of: message))
            signature[i] ^= 1
            #expect(!key.publicKey.verify(signature, of: message))
        }
        #expect(!key.publicKey.verify([UInt8](repeating: 0, count: signer.length), of: [1]))
        let (other, signature) = (try SigningKey.generate(algorithm), try signer.sign([1]))
        #expect(!other.publicKey.verify(signature, of: [1]))
    }

    @Test("a short RSA key is refused, and numbers that are no key are none")
    func refusals() throws {
        #expect(throws: SigningKey.Fault.otherAlgorithm) { try SigningKey(pem: shortRSAPEM) }
        #expect(PublicKey(.p256(x: [UInt8](repeating: 1, count: 32), y: [UInt8](repeating: 1, count: 32))) == nil)
        #expect(PublicKey(.p256(x: [1], y: [1])) == nil && PublicKey(.ed25519([1])) == nil)
        guard case .rsa(let n, let e) = try SigningKey(pem: rsaPEM).publicKey.numbers else { throw CryptoFailure("no RSA") }
        #expect(PublicKey(.rsa(n: n, e: e)) != nil)
        for (n, e) in [([], e), (n, []), ([0] + n, e), (n, [2]), (n, [0, 1]), (Array(n.prefix(128)), e), ([UInt8](repeating: 0xFF, count: 1025), e)] {
            #expect(PublicKey(.rsa(n: n, e: e)) == nil)
        }
        for members in [[:], ["kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"], ["kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"], ["kty": "oct", "k": "AA"],
                        ["kty": "OKP", "crv": "Ed448", "x": "AA"], ["kty": "RSA", "n": "AA", "e": "AQAB"], ["kty": "RSA"]] {
            #expect(PublicKey { members[$0] } == nil)
        }
    }
}
