import FoundationEssentials

/// A callback's envelope, or what is in it: names and texts, as XML or as JSON (developer documents 90930 and 96238). Names are compared without regard
/// to case, since both spellings are in use (`ToUserName`, `tousername`).
struct FlatMessage {
    struct Member: Equatable {
        var name: String
        var value: String
    }

    private let members: [Member]

    /// Nil where `bytes` are neither.
    init?(_ bytes: [UInt8]) {
        let first = bytes.first { !Self.isBlank($0) }
        guard let members = first == UInt8(ascii: "{") ? Self.json(bytes) : FlatXML.members(of: bytes) else { return nil }
        self.members = members.map { Member(name: $0.name.lowercased(), value: Self.trimmed($0.value)) }
    }

    /// The text of that name (lower case), blanks around it taken off; empty where it is absent, nil where it is given more than once.
    func text(_ name: String) -> String? {
        let found = members.filter { $0.name == name }
        return found.count > 1 ? nil : found.first?.value ?? ""
    }

    private static func json(_ bytes: [UInt8]) -> [Member]? {
        guard bytes.count <= FlatXML.byteLimit, let object = try? JSONDecoder().decode([String: Scalar].self, from: Data(bytes)) else { return nil }
        return object.map { Member(name: $0.key, value: $0.value.text) }
    }

    /// A text or a whole number; whatever else stands there is empty.
    private struct Scalar: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else if let number = try? container.decode(Int64.self) {
                text = String(number)
            } else {
                text = ""
            }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func trimmed(_ text: String) -> String {
        let bytes = text.utf8.drop { isBlank($0) }
        guard let last = bytes.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(bytes[...last]) ?? ""
    }
}
