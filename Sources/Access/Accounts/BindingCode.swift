/// The one-time code by which somebody shows that an account is theirs (`menwei accounts code`): 10 characters of 31 that cannot be mistaken for one
/// another (no 0 O 1 I L), 49 random bits.
public struct BindingCode: Equatable, Sendable {
    public static let length = 10
    public static let life = Duration.seconds(24 * 3600)
    /// Wrong codes that one person may try until a new code is made, or a day is over.
    public static let tries = 5
    static let alphabet = Array("23456789ABCDEFGHJKMNPQRSTUVWXYZ".utf8)

    /// In upper case.
    public let text: String

    /// What a person typed: case, blanks and hyphens do not count. Nil where it can be no code.
    public init?(typed: String) {
        guard typed.utf8.count <= 64 else { return nil }
        let letters = typed.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "-") }.map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }
        guard letters.count == Self.length, letters.allSatisfy(Self.alphabet.contains) else { return nil }
        text = String(decoding: letters, as: UTF8.self)
    }

    /// A new one. `random` gives that many random bytes.
    public init<Failure: Error>(random: (Int) throws(Failure) -> [UInt8]) throws(Failure) {
        var letters: [UInt8] = []
        // Bytes beyond the last whole multiple of 31 would make some letters more likely than others.
        while letters.count < Self.length {
            for byte in try random(32) where byte < 248 && letters.count < Self.length { letters.append(Self.alphabet[Int(byte) % Self.alphabet.count]) }
        }
        text = String(decoding: letters, as: UTF8.self)
    }
}
