import FoundationEssentials

/// Reads the members of a JSON object by any of several spellings, since WeCom's old and new interfaces differ in case (`UserId`, `userid`).
/// Missing members and `null` are the same; unknown ones are ignored; a wrong type, or two spellings that disagree, is a bad answer.
struct AnswerReader: Decodable {
    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let members: KeyedDecodingContainer<AnyKey>
    private let keys: [AnyKey]
    private var api = ""

    init(from decoder: any Decoder) throws {
        members = try decoder.container(keyedBy: AnyKey.self)
        keys = members.allKeys
    }

    /// - Parameters:
    ///   - api: whose answer it is, for errors.
    ///   - limit: the largest body that is looked at, in bytes.
    init(_ body: [UInt8], of api: String, limit: Int) throws(WeComError) {
        guard !body.isEmpty, body.count <= limit else { throw .badAnswer(api) }
        do { self = try JSONDecoder().decode(AnswerReader.self, from: Data(body)) } catch { throw .badAnswer(api) }
        self.api = api
    }

    /// The member `name` (lower case), whatever its case; nil where it is missing or null.
    func value<Value: Decodable & Equatable>(_ name: String, as type: Value.Type = Value.self) throws(WeComError) -> Value? {
        var found: Value?
        for key in keys where key.stringValue.utf8.count == name.utf8.count && key.stringValue.lowercased() == name {
            let value: Value?
            do { value = try members.decodeIfPresent(type, forKey: key) } catch { throw .badAnswer(api) }
            guard let value else { continue }
            if let found, found != value { throw .badAnswer(api) }
            found = value
        }
        return found
    }

    /// A text that may be missing without harm: empty where it is missing, of another type, longer than `limit` bytes, or has control characters.
    func looseText(_ name: String, limit: Int) -> String {
        guard let text = try? value(name, as: String.self), text.utf8.count <= limit,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        else { return "" }
        return text
    }
}
