import Bytes
import Crypto
import Testing

@Suite struct KeyedHashTests {
    private func key(_ byte: UInt8) throws -> SealingKey { try #require(SealingKey(bytes: [UInt8](repeating: byte, count: 32))) }

    /// Computed with Python's `hmac`: the key of 32 bytes 7, "menwei keyed hash mail" and then "z@x.example".
    @Test func itIsHMACWithAKeyForEachContext() throws {
        #expect(Hex.encode(try key(7).hash("z@x.example", context: "mail").bytes) == "57c751fa51bfee894a30259a772e49f97b91874961611e7eaf695ff7e7710a6c")
    }

    @Test func keysContextsAndTextsAllCount() throws {
        let hash = try key(7).hash("a", context: "mail")
        #expect(try key(7).hash("a", context: "mail") == hash)
        #expect(try key(8).hash("a", context: "mail") != hash)
        #expect(try key(7).hash("a", context: "mobile") != hash)
        #expect(try key(7).hash("b", context: "mail") != hash)
        #expect(try key(7).hash("", context: "mail") != hash)
    }
}
