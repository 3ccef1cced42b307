import Bytes
@testable import Crypto
import Testing

/// Made by another implementation (Python's cryptography), as are the thumbprint and the signature below.
let foreignPEM = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgE1J7mKzhnDQJY08d
    zC8a6tBegtubwOfJIOoDQJP1gWahRANCAATj6UqsrBvNKtJno43wLyy+TQokDQl+
    d0II1nNTc+99VsxZYZfUk17DJJPQT+ahF7oesS6Zn5Fvy9g9JI5L+o7G
    -----END PRIVATE KEY-----

    """
let p384PEM = """
    -----BEGIN PRIVATE KEY-----
    MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDC9y3w4rBxwZqRO1w9X
    y3Qp54CZ2NhRj/bxK2cTir4yrNKM/DYDhXqBTzpQ/EcpZqmhZANiAATFBYzxfd8j
    FwuBNbp1PJ6cGHC4/I9dtLjpCwx/5QLM8i8Xf6/qhDI+SHW97Vtk2kamyVgrkfXO
    HMGA4qJh6xpRJCD/b0f9uKphsIBRFPDoLpQDgC3FEZhDm+kvgyBhozc=
    -----END PRIVATE KEY-----

    """
private let traditionalPEM = """
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEIBNSe5is4Zw0CWNPHcwvGurQXoLbm8DnySDqA0CT9YFmoAoGCCqGSM49
    AwEHoUQDQgAE4+lKrKwbzSrSZ6ON8C8svk0KJA0JfndCCNZzU3PvfVbMWWGX1JNe
    wyST0E/moRe6HrEumZ+Rb8vYPSSOS/qOxg==
    -----END EC PRIVATE KEY-----

    """

@Suite struct SigningKeyTests {
    @Test("a key made elsewhere is read: coordinates, thumbprint, JWK")
    func foreign() throws {
        let key = try SigningKey(pem: foreignPEM)
        #expect(key.kid == "8TPHibRov9tCcwxcgerEHcsalJwktszZsiVEsbTX11g")
        #expect(
            key.publicKey.jwk == """
                {"crv":"P-256","kty":"EC","x":"4-lKrKwbzSrSZ6ON8C8svk0KJA0JfndCCNZzU3PvfVY","y":"zFlhl9STXsMkk9BP5qEXuh6xLpmfkW_L2D0kjkv6jsY",\
                "use":"sig","alg":"ES256","kid":"8TPHibRov9tCcwxcgerEHcsalJwktszZsiVEsbTX11g"}
                """)
    }

    @Test("a signature made elsewhere verifies, for its message only")
    func foreignSignature() throws {
        let key = try SigningKey(pem: foreignPEM).publicKey
        let text = "8kAJnOiONfVzYjLJ6ePIin6l6LEjhzANnUeyNC5QLGWncNMueLyARKg-yTZvPUBcHklqRyFJTQb6LhfxkxH5qQ"
        let signature = try #require(Base64URL.decode(text))
        #expect(key.verify(signature, of: Array("menwei".utf8)))
        #expect(!key.verify(signature, of: Array("Menwei".utf8)))
        #expect(!key.verify([UInt8](repeating: 0, count: 64), of: Array("menwei".utf8)))
        #expect(!key.verify(Array(signature.dropLast()), of: Array("menwei".utf8)))
        #expect(!key.verify(signature + [0], of: Array("menwei".utf8)))
        #expect(!(try SigningKey.generate().publicKey.verify(signature, of: Array("menwei".utf8))))
    }

    @Test("what a signer signs verifies, many times over, short integers included")
    func signing() throws {
        let key = try SigningKey.generate()
        let again = try SigningKey(pem: key.pem)
        #expect(again.kid == key.kid)
        let signer = try Signer(again)
        for i in 0..<600 {
            let message = Array("message \(i)".utf8)
            let signature = try signer.sign(message)
            #expect(signature.count == 64)
            #expect(key.publicKey.verify(signature, of: message))
        }
    }

    @Test("what is no P-256 key is refused and says why")
    func refusals() {
        #expect(throws: SigningKey.Fault.otherAlgorithm) { try SigningKey(pem: p384PEM) }
        #expect(throws: SigningKey.Fault.notAKey) { try SigningKey(pem: traditionalPEM) }
        #expect(throws: SigningKey.Fault.notAKey) { try SigningKey(pem: "") }
        #expect(throws: SigningKey.Fault.notAKey) { try SigningKey(pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n") }
        let encrypted = foreignPEM.split(separator: "PRIVATE KEY").joined(separator: "ENCRYPTED PRIVATE KEY")
        #expect(throws: SigningKey.Fault.notAKey) { try SigningKey(pem: encrypted) }
    }

    @Test("signatures that are not DER of two 32-byte integers become nothing", arguments: [
        [], [0x30], [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01], [0x30, 0x07, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
        [0x30, 0x06, 0x02, 0x7F, 0x01, 0x02, 0x01, 0x01], [0x30, 0x06, 0x02, 0x00, 0x02, 0x02, 0x01, 0x01],
    ] as [[UInt8]])
    func badDER(der: [UInt8]) {
        var out: [UInt8] = []
        let good = ECDSASignature.appendRaw(fromDER: der.span, to: &out)
        #expect(!good && out.isEmpty)
    }

    @Test("printing a key does not show it")
    func printing() throws {
        let key = try SigningKey.generate()
        let secret = key.pem.split(separator: "\n")[1]
        let sealing = try SealingKey.generate()
        var dumped = ""
        dump(key, to: &dumped)
        dump(sealing, to: &dumped)
        #expect(!dumped.contains(secret) && !"\(key) \(String(reflecting: key))".contains(secret))
        #expect("\(sealing)" == "SealingKey" && !String(reflecting: sealing).contains("["))
    }

    @Test("base64url appended is base64url encoded")
    func base64() {
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            var out: [UInt8] = [0x2E]
            Base64URLText.append(bytes.span, to: &out)
            #expect(String(decoding: out, as: UTF8.self) == "." + Base64URL.encode(bytes))
        }
    }
}
