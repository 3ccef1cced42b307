internal import HTTP

/// What stands behind a ticket: the right to a session cookie at one host, for one browser, on the way to one address.
struct Ticket: Equatable {
    /// The origin it was made for.
    var origin: String
    var returnTo: String
    /// Hex SHA-256 of the try cookie that the browser must show there.
    var bind: String
    var sid: String

    /// 60 s
    static let life = Duration.seconds(60)

    var encoded: [UInt8] { FieldList.encode([origin, returnTo, bind, sid]) }

    init?(_ bytes: [UInt8]) {
        guard let fields = FieldList.decode(bytes, count: 4) else { return nil }
        (origin, returnTo, bind, sid) = (fields[0], fields[1], fields[2], fields[3])
    }

    init(origin: Origin, returnTo: String, bind: String, sid: String) {
        self.origin = origin.text
        self.returnTo = returnTo
        self.bind = bind
        self.sid = sid
    }
}
