import Crypto
import Testing

private func hex(_ text: String) -> [UInt8] {
    var out: [UInt8] = []
    var digits = Array(text)[...]
    while digits.count >= 2 {
        out.append(UInt8(String(digits.prefix(2)), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
    }
    return out
}

@Suite struct DigestTests {
    @Test("SHA-256 gives the published values", arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    ])
    func publishedValues(text: String, expected: String) {
        #expect(Digest.sha256(text).bytes == hex(expected))
        #expect(Digest.sha256(Array(text.utf8)) == Digest256(hex(expected)))
    }

    @Test("SHA-1 gives the published values", arguments: [
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", "b37a4f2cc0624f1690f64606cf385945b2bec4ea"),
    ])
    func sha1(text: String, expected: String) {
        #expect(Digest.sha1(Array(text.utf8)) == hex(expected))
    }

    @Test("one hasher gives the same as a new one, again and again")
    func reuse() {
        let hasher = Hasher256()
        for length in [0, 1, 43, 55, 56, 63, 64, 65, 1000] {
            let input = [UInt8](repeating: 7, count: length)
            #expect(hasher.hash(input.span) == Digest.sha256(input))
        }
    }

    @Test("equal bytes are equal, all others are not")
    func constantTime() {
        #expect(constantTimeEqual([], []))
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
    }
}

@Suite struct RandomTests {
    @Test("tokens are 43 characters of base64url and never come again")
    func tokens() throws {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var seen: Set<String> = []
        for _ in 0..<200 {
            let token = try Random.token()
            #expect(token.count == 43 && token.allSatisfy(alphabet.contains))
            #expect(seen.insert(token).inserted)
        }
        #expect(try Random.identifier().count == 22)
        #expect(try Random.hex(8).count == 16)
        #expect(try Random.bytes(0) == [])
    }

    @Test("an impossible count is an error") func impossible() {
        #expect(throws: CryptoFailure.self) { try Random.bytes(-1) }
        #expect(throws: CryptoFailure.self) { try Random.bytes(65537) }
    }
}

@Suite struct SealingTests {
    let key = SealingKey(bytes: [UInt8](repeating: 9, count: 32))

    @Test("what is sealed opens again, with the same context only", arguments: [0, 1, 15, 16, 17, 100_000])
    func roundTrip(length: Int) throws {
        let key = try #require(key)
        let plain = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = try key.seal(plain, context: "member")
        #expect(sealed.count == length + SealingKey.overhead)
        #expect(key.open(sealed, context: "member") == plain)
        #expect(key.open(sealed, context: "post") == nil)
        #expect(key.open(sealed, context: "") == nil)
        #expect(try key.seal(plain, context: "member") != sealed)
    }

    @Test("a flipped bit, a cut and another key open nothing")
    func tampering() throws {
        let key = try #require(key)
        let sealed = try key.seal(Array("zhangsan".utf8), context: "c")
        for at in sealed.indices {
            var bad = sealed
            bad[at] ^= 1
            #expect(key.open(bad, context: "c") == nil)
        }
        for length in 0..<sealed.count { #expect(key.open(Array(sealed.prefix(length)), context: "c") == nil) }
        #expect(try SealingKey.generate().open(sealed, context: "c") == nil)
        #expect(SealingKey(bytes: [1]) == nil)
    }

    /// Sealed by another implementation (Python's cryptography): AES-256-GCM, key 32 × 9, nonce 12 × 1, AAD "c".
    @Test("a value sealed elsewhere opens")
    func foreign() throws {
        let key = try #require(key)
        let sealed = hex("01010101010101010101010101c318e00b7494a91ebb881d05ca8b1e9c1dac3af4476e8c32")
        #expect(key.open(sealed, context: "c") == Array("zhangsan".utf8))
    }
}
