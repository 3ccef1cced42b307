public import Bytes

/// `menwei explain`: the request to judge, and what is known of who asks.
public struct ExplainRequest: Equatable, Sendable {
    public var config: String
    /// A token, as given.
    public var method: String
    /// As given; it is judged as a client would have sent it.
    public var url: String
    public var user: String?
    public var connection: String?
    public var departments: [Int] = []
    public var tags: [Int] = []
    /// The client's.
    public var address: IPAddress?
    public var at: WallTime?
    /// How long ago the login was.
    public var age: Duration?

    public init(config: String, method: String, url: String) {
        self.config = config
        self.method = method
        self.url = url
    }

    init(_ arguments: [String]) throws(UsageFault) {
        var flags = try Flags(
            arguments, single: ["--config", "--user", "--connection", "--ip", "--at", "--age"], several: ["--department", "--tag"])
        let file = try flags.required("--config")
        guard flags.operands.count >= 2 else { throw UsageFault(message: "METHOD and URL are missing") }
        try flags.finish(operands: 2)
        self.init(config: file, method: flags.operands[0], url: flags.operands[1])
        guard method.utf8.allSatisfy(ASCII.isToken), !method.isEmpty else { throw UsageFault(message: "\(quoted(method)) is no request method") }
        user = flags.take("--user")
        if let user, user.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F }) { throw UsageFault(message: "--user must be a user id, this is \(quoted(user))") }
        connection = flags.take("--connection")
        guard connection == nil || user != nil else { throw UsageFault(message: "--connection needs --user") }
        departments = try Self.numbers(flags.takeAll("--department"), "--department")
        tags = try Self.numbers(flags.takeAll("--tag"), "--tag")
        if let text = flags.take("--ip") {
            guard let value = IPAddress(text) else { throw UsageFault(message: "--ip must be an IP address, this is \(quoted(text))") }
            address = value
        }
        if let text = flags.take("--at") {
            guard let value = RFC3339.parse(text) else { throw UsageFault(message: "--at must be a time such as 2026-01-31T08:00:00Z, this is \(quoted(text))") }
            at = value
        }
        if let text = flags.take("--age") {
            guard let value = DurationText.parse(text) else { throw UsageFault(message: "--age must be a duration such as 90s, 15m or 12h, this is \(quoted(text))") }
            age = value
        }
    }

    private static func numbers(_ texts: [String], _ flag: String) throws(UsageFault) -> [Int] {
        var numbers: [Int] = []
        for text in texts {
            guard let number = Int(text), number > 0, text.utf8.allSatisfy(ASCII.isDigit) else { throw UsageFault(message: "\(flag) must be a number, this is \(quoted(text))") }
            numbers.append(number)
        }
        return numbers
    }
}
